package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

func acked(seq uint64, driver string) swarm.NodeVerdict {
	return swarm.NodeVerdict{Seq: seq, DriverID: driver, Verdict: swarm.Verdict{Kind: swarm.Acked, Latency: 1}}
}

// owner takes verdicts as another node does.
type owner struct {
	mu      sync.Mutex
	away    bool
	notYet  map[uint64]bool
	batches [][]swarm.NodeVerdict
	at      []time.Time
}

func (o *owner) request(_ context.Context, _, node string, body, reply any) (swarm.NodeID, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away {
		return swarm.NodeID{}, errors.New("away")
	}
	_, verdicts, err := readVerdicts(seal(alpha, body))
	if err != nil {
		return swarm.NodeID{}, err
	}
	o.batches, o.at = append(o.batches, verdicts), append(o.at, time.Now())
	for _, v := range verdicts {
		if o.notYet[v.Seq] {
			reply.(*verdictReply).NotYet = append(reply.(*verdictReply).NotYet, v.Seq)
		}
	}
	return swarm.NodeID{Name: node, Instance: "o1"}, nil
}

// took returns what has arrived since the last call, one text for each batch.
func (o *owner) took() (batches []string) {
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, b := range o.batches {
		var names []string
		for _, v := range b {
			names = append(names, fmt.Sprint(v.Seq, v.DriverID))
		}
		batches = append(batches, strings.Join(names, " "))
	}
	o.batches = nil
	return batches
}

// world returns what sends to o, in a bubble.
func sending(t *testing.T, o *owner, logger *slog.Logger) *verdicts {
	cfg := &Config{timing: usual, Logger: logger}
	v := newVerdicts(cfg)
	v.request = o.request
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); v.ended() })
	v.start(ctx)
	return v
}

func TestVerdictsAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &owner{}
		v := sending(t, o, slog.New(slog.DiscardHandler))
		began := time.Now()
		v.send("o", acked(1, "a"))
		v.send("o", acked(2, "a"))
		v.send("o", acked(1, "b"))
		<-time.After(gatherFor)
		if got := o.took(); !slices.Equal(got, []string{"1a 1b 2a"}) || o.at[0].Sub(began) != gatherFor {
			t.Errorf("%q after %v", got, o.at[0].Sub(began))
		}
		began, o.at = time.Now(), nil
		for i := range 1200 {
			v.send("o", acked(3, fmt.Sprint(i)))
		}
		synctest.Wait() // no time passes
		if got := o.took(); len(got) != 3 || strings.Count(got[0], " ") != 499 || strings.Count(got[2], " ") != 199 {
			t.Errorf("%d batches", len(got))
		}
		if v.debts.count != 0 || time.Since(began) != 0 {
			t.Errorf("%d verdicts wait, after %v", v.debts.count, time.Since(began))
		}
	})
}

func TestVerdictsAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &owner{away: true, notYet: map[uint64]bool{1: true}}
		v := sending(t, o, slog.New(slog.DiscardHandler))
		v.send("o", acked(1, "a"))
		<-time.After(time.Minute)
		o.mu.Lock()
		o.away = false
		o.mu.Unlock()
		<-time.After(400 * time.Millisecond) // longer than any pause
		if got := o.took(); len(got) == 0 || got[0] != "1a" {
			t.Fatalf("%q", got)
		}
		v.send("o", acked(2, "a")) // a round that the owner has is not held up
		v.send("o", acked(1, "b")) // of a round that it does not have, the first verdict goes first
		<-time.After(time.Second)
		got := o.took()
		if len(got) < 3 || !slices.Contains(strings.Fields(strings.Join(got[:2], " ")), "2a") ||
			got[len(got)-1] != "1a 1b" {
			t.Errorf("%q", got)
		}
		for i := 1; i < len(o.at); i++ {
			if pause := o.at[i].Sub(o.at[i-1]); pause > 320*time.Millisecond {
				t.Errorf("a pause of %v", pause)
			}
		}
		v.closed(1)
		<-time.After(time.Second)
		if got := o.took(); len(got) > 0 || v.debts.count != 0 {
			t.Errorf("%q after the round was closed, %d wait", got, v.debts.count)
		}
		v.send("o", acked(1, "c"))
		v.forget("o")
		<-time.After(time.Second)
		if got := o.took(); len(got) > 0 || v.debts.count != 0 {
			t.Errorf("%q after the owner was forgotten, %d wait", got, v.debts.count)
		}
		o.notYet = nil
		v.send("o", acked(4, "a"))
		<-time.After(time.Second)
		if got := o.took(); !slices.Equal(got, []string{"4a"}) {
			t.Errorf("%q after that", got)
		}
	})
}

func TestLargeVerdictsAreSplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &owner{}
		v := sending(t, o, slog.New(slog.DiscardHandler))
		for i := range 500 {
			nv := acked(uint64(i/100+1), fmt.Sprint(i))
			nv.Verdict = swarm.Verdict{
				Kind: swarm.Rejected, Code: "c", Detail: strings.Repeat("\x01", swarm.MaxRejectDetailBytes),
			}
			v.send("o", nv)
		}
		synctest.Wait()
		drivers := strings.Fields(strings.Join(o.took(), " "))
		if len(drivers) != 500 || !slices.Equal(drivers, slices.Compact(slices.Clone(drivers))) || v.debts.count != 0 {
			t.Errorf("%d arrived, %d wait", len(drivers), v.debts.count)
		}
		if len(o.at) < 3 || drivers[499] != "5499" {
			t.Errorf("%d requests, the last verdict is %s", len(o.at), drivers[499])
		}
	})
}

func TestTheOldestVerdictsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines strings.Builder
		o := &owner{away: true}
		v := sending(t, o, slog.New(slog.NewTextHandler(&lines, nil)))
		v.debts.most = 100
		for seq := range uint64(10) {
			for i := range 10 {
				v.send("o", acked(seq+1, fmt.Sprint(i)))
			}
		}
		v.send("p", acked(11, "a"))
		if v.debts.count != 91 || !strings.Contains(lines.String(), "count=10") {
			t.Errorf("%d verdicts wait: %s", v.debts.count, lines.String())
		}
		for i := range 10 {
			v.send("o", acked(1, fmt.Sprint(i))) // older than all
		}
		<-time.After(warnDebtor + 1)
		v.send("o", acked(1, "last"))
		if v.debts.count > 100 {
			t.Errorf("%d verdicts wait", v.debts.count)
		}
		if strings.Count(lines.String(), "\n") > 2 {
			t.Errorf("too many warnings: %s", lines.String())
		}
	})
}

func TestEncodedVerdictsAreThoseOfTheMessage(t *testing.T) {
	v := acked(5, "a")
	body := struct {
		Verdicts []jsontext.Value `json:"verdicts"`
	}{[]jsontext.Value{encodeVerdict(v)}}
	if _, got, err := readVerdicts(seal(alpha, body)); err != nil || len(got) != 1 || got[0] != v {
		t.Errorf("%+v: %v", got, err)
	}
}
