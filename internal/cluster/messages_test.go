package cluster

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

var alpha = swarm.NodeID{Name: "alpha", Instance: "a1"}

// filled sets everything that v contains to values that differ, so that a test notices what a message leaves out.
func filled(v reflect.Value, next *int) {
	*next++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(int64(*next), 5).UTC()))
		return
	case time.Duration:
		v.SetInt(int64(time.Duration(*next) * time.Millisecond))
		return
	case swarm.DriverState:
		v.SetString(string(swarm.Stale))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *next))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*next))
	case reflect.Uint64:
		v.SetUint(uint64(*next))
	case reflect.Float64:
		v.SetFloat(float64(*next) / 8)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), next)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		filled(v.Index(0), next)
		filled(v.Index(1), next)
	case reflect.Array:
		for i := range v.Len() {
			filled(v.Index(i), next)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		filled(key, next)
		filled(value, next)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i), next)
		}
	default:
		panic("no value for a field of type " + v.Type().String())
	}
}

func whole[T any]() (v T) {
	next := 0
	filled(reflect.ValueOf(&v).Elem(), &next)
	return v
}

// sent returns changes as another node reads them.
func sent(t *testing.T, c *changes) (got *changes) {
	t.Helper()
	a := assembly{next: -1}
	for _, m := range messages(alpha, c) {
		if len(m) > maxMessage {
			t.Errorf("a message of %d bytes", len(m))
		}
		from, r, err := readRoster(m)
		if err != nil || from != alpha || r.Changes == nil || got != nil {
			t.Fatalf("read %+v from %v: %v", r, from, err)
		}
		var ok bool
		if got, ok = a.add(r.Changes); !ok {
			t.Fatal("a part does not fit")
		}
	}
	if got == nil {
		t.Fatal("the last part is missing")
	}
	return got
}

func TestEveryFieldOfADriverArrives(t *testing.T) {
	full := whole[swarm.Presence]()
	empty := swarm.Presence{Driver: swarm.Driver{ID: full.ID, State: swarm.Active}}
	var none swarm.Presence
	for _, step := range []struct {
		name         string
		from, to     *swarm.Presence
		describesAll bool
	}{
		{"to a node that does not know it", nil, &full, true},
		{"with everything new", &empty, &full, false},
		{"with everything gone", &full, &empty, false},
		{"unchanged", &full, &full, false},
	} {
		t.Run(step.name, func(t *testing.T) {
			c := sent(t, &changes{present: []presence{describe(step.to, step.from)}})
			got, ok := c.present[0].onto(step.from)
			if !ok {
				t.Fatal("it does not know enough")
			}
			if diff := cmp.Diff(*step.to, got); diff != "" {
				t.Errorf("(-sent +read):\n%s", diff)
			}
		})
	}
	if _, ok := (&presence{ID: "d"}).onto(nil); ok {
		t.Error("a change of an unknown driver was taken")
	}
	if cmp.Equal(full, none) {
		t.Error("the test fills nothing in")
	}
	d := whole[swarm.Departure]()
	c := sent(t, &changes{departed: []departure{departed(d)}})
	if diff := cmp.Diff(d, c.departed[0].departure()); diff != "" {
		t.Errorf("a departure (-sent +read):\n%s", diff)
	}
}

func TestAHeartbeatIsSmall(t *testing.T) {
	p := whole[swarm.Presence]()
	p.ID, p.State, p.Unresponsive, p.Retiring, p.LostAt = "driver-00012345", swarm.Active, false, false, time.Time{}
	p.Labels = map[string]string{"team": "checkout", "region": "eu-west-1", "host": "loadgen-0012345"}
	before := p
	p.HeartbeatAge, p.RTT, p.AppliedSeq, p.ReportedSeq = 850*time.Millisecond, 1200*time.Microsecond, 1234567, 1234567
	p.Reported = command.State{Players: 1000, SpawnDelayMS: 10, Running: true}
	size := len(encode(describe(&p, &before)))
	if size > 150 {
		t.Errorf("a heartbeat has %d bytes", size)
	}
	p.LastAck = &swarm.LastAck{Seq: 1234567, Latency: 1500 * time.Microsecond}
	acked := len(encode(describe(&p, &before)))
	if acked > 180 || acked <= size {
		t.Errorf("a heartbeat with a new ack has %d bytes", acked)
	}
	joins := len(encode(describe(&p, nil)))
	if joins < 2*acked {
		t.Errorf("a driver that joins has only %d bytes", joins)
	}
	t.Logf("a heartbeat has %d bytes, %d with a new ack; a driver that joins has %d", size, acked, joins)
}

func TestLargeChangesAreSplit(t *testing.T) {
	c := &changes{from: 3, to: 9, whole: true}
	for i := range 3000 {
		p := whole[swarm.Presence]()
		p.ID = fmt.Sprint("driver-", i)
		c.present = append(c.present, describe(&p, nil))
		c.departed = append(c.departed, departure{ID: fmt.Sprint("former-", i), Session: strings.Repeat("s", 100)})
	}
	if n := len(messages(alpha, c)); n < 3 {
		t.Fatalf("%d messages", n)
	}
	if diff := cmp.Diff(c, sent(t, c), cmp.AllowUnexported(changes{})); diff != "" {
		t.Errorf("(-sent +read):\n%s", diff)
	}
}

func TestMissingPartsAreNoticed(t *testing.T) {
	parts := []part{{To: 5, Part: 0}, {To: 5, Part: 1}, {To: 5, Part: 2, Last: true}}
	for missing := range 2 {
		a := assembly{next: -1}
		lost := false
		for i := range parts {
			if i == missing {
				continue
			}
			c, ok := a.add(&parts[i])
			if lost = lost || !ok; c != nil {
				t.Errorf("complete without part %d", missing)
			}
		}
		if !lost {
			t.Errorf("part %d is not missed", missing)
		}
	}
}

func TestVersions(t *testing.T) {
	newer := []byte("2 beta b1\n\xff whatever")
	from, err := open(newer, &struct{}{})
	beta := swarm.NodeID{Name: "beta", Instance: "b1"}
	if v, ok := errors.AsType[newerError](err); !ok || v.version != 2 || from != beta {
		t.Errorf("a newer message of %v: %v", from, err)
	}
	for _, bad := range []string{
		"", "1", "1 a b", "1 a b c\n{}", "0 a b\n{}", "01 a b\n{}", "x a b\n{}", "1 a. b\n{}", "1  b\n{}", "1 a b\n",
		"1 a b\n{}{}", "1 a b\n{\"unknown\":1}", "1 a b\n" + strings.Repeat(" ", maxMessage) + "{}",
	} {
		if _, err := open([]byte(bad), &struct{}{}); err == nil {
			t.Errorf("%.40q is taken", bad)
		}
	}
}

func TestVerdictsArrive(t *testing.T) {
	want := []swarm.NodeVerdict{
		{Seq: 1, DriverID: "a", Verdict: swarm.Verdict{Kind: swarm.Acked, Latency: 1234567}},
		{Seq: math.MaxUint64, DriverID: "b", Verdict: swarm.Verdict{Kind: swarm.Rejected, Code: "c", Detail: "\n"}},
		{Seq: 2, DriverID: "c", Verdict: swarm.Verdict{Kind: swarm.Superseded}},
		{Seq: 2, DriverID: "d", Verdict: swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonStale}},
	}
	var body verdictRequest
	for _, v := range want {
		body.Verdicts = append(body.Verdicts, verdict{
			Seq: v.Seq, Driver: v.DriverID, Kind: kinds[v.Verdict.Kind], LatencyNS: int64(v.Verdict.Latency),
			Reason: string(v.Verdict.Reason), Code: v.Verdict.Code, Detail: v.Verdict.Detail,
		})
	}
	from, got, err := readVerdicts(seal(alpha, body))
	if diff := cmp.Diff(want, got); err != nil || from != alpha || diff != "" {
		t.Errorf("%v from %v (-sent +read):\n%s", err, from, diff)
	}
	for _, bad := range []verdict{
		{Driver: "a", Kind: "acked"}, {Seq: 1, Kind: "acked"}, {Seq: 1, Driver: "a"}, {Seq: 1, Driver: "a", Kind: "lost"},
		{Seq: 1, Driver: "a", Kind: "missing"}, {Seq: 1, Driver: "a", Kind: "acked", Reason: "stale"},
		{Seq: 1, Driver: "a", Kind: "acked", LatencyNS: -1},
	} {
		if _, _, err := readVerdicts(seal(alpha, verdictRequest{Verdicts: []verdict{bad}})); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func FuzzRoster(f *testing.F) {
	p := whole[swarm.Presence]()
	for _, m := range messages(alpha, &changes{
		to: 1, whole: true, present: []presence{describe(&p, nil)}, departed: []departure{{ID: "d", Session: "s"}},
	}) {
		f.Add(m)
	}
	f.Add(seal(alpha, rosterMessage{Digest: &digest{Revision: 1, Position: 2, Lag: 3, Drivers: 4, Draining: true}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		from, m, err := readRoster(b)
		if err != nil {
			return
		}
		again, n, err := readRoster(seal(from, m))
		if err != nil || again != from || !cmp.Equal(m, n) {
			t.Errorf("%q is read as %+v, and that as %+v: %v", b, m, n, err)
		}
		peer := newPeer(from, time.Time{})
		peer.receive(m, time.Time{})
		peer.receive(n, time.Time{})
	})
}

func FuzzVerdicts(f *testing.F) {
	f.Add(seal(alpha, verdictRequest{Verdicts: []verdict{{Seq: 1, Driver: "a", Kind: "acked", LatencyNS: 5}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		from, verdicts, err := readVerdicts(b)
		if err != nil {
			return
		}
		var body struct {
			Verdicts []jsontext.Value `json:"verdicts"`
		}
		for _, v := range verdicts {
			body.Verdicts = append(body.Verdicts, encodeVerdict(v))
		}
		_, again, err := readVerdicts(seal(from, body))
		if err != nil || !slices.Equal(again, verdicts) {
			t.Errorf("%q is read as %+v, and that as %+v: %v", b, verdicts, again, err)
		}
	})
}

func FuzzSmall(f *testing.F) {
	f.Add(seal(alpha, leaseValue{Version: "1", Format: 2, Address: "a", Position: 4, Drivers: 5, Draining: true}))
	f.Add(seal(alpha, settleRequest{Revision: 1}))
	f.Add(seal(alpha, settleReply{Position: 1, Error: "e"}))
	f.Add(seal(alpha, verdictReply{NotYet: []uint64{1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, body := range []any{&leaseValue{}, &settleRequest{}, &settleReply{}, &verdictReply{}} {
			from, err := open(b, body)
			if err != nil {
				continue
			}
			if _, err := open(seal(from, body), body); err != nil {
				t.Errorf("%q is read as %+v, which cannot be read: %v", b, body, err)
			}
		}
	})
}
