package audit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// bubble runs a test of a log in a bubble of time.
func bubble(t *testing.T, test func(t *testing.T, l *Log)) {
	dir := t.TempDir() // outside of the bubble: its end would have to wait for the removal
	synctest.Test(t, func(t *testing.T) { test(t, opened(t, Config{Dir: dir}, osDisk)) })
}

func TestRepeatedRefusalsAreOneEvent(t *testing.T) {
	bubble(t, func(t *testing.T, l *Log) {
		began := time.Now()
		for i := range 1000 { // 9.99 s
			e := refusal(fmt.Sprintf("192.0.2.1:%d", 1024+i), "ci")
			e.Via.RequestID = fmt.Sprint(i)
			l.Record(e)
			if i == 0 {
				synctest.Wait()
				if got := all(t, l, 10); len(got) != 1 || got[0].Count != 1 || !got[0].Until.IsZero() ||
					got[0].Via.RequestID != "0" || got[0].Via.RemoteAddr != "192.0.2.1:1024" {
					t.Fatalf("the first is not written at once, as it is: %+v", got)
				}
			}
			<-time.After(10 * time.Millisecond)
		}
		synctest.Wait()
		got := all(t, l, 10)
		if len(got) != 2 {
			t.Fatalf("%d events", len(got))
		}
		e, want := got[1], refusal("192.0.2.1", "ci")
		want.At, want.Until, want.Count = began.Add(10*time.Millisecond), began.Add(9990*time.Millisecond), 999
		want.Via.RequestID = "" // it differs
		if !e.At.Equal(want.At) || !e.Until.Equal(want.Until) {
			t.Errorf("from %v to %v; want from %v to %v", e.At, e.Until, want.At, want.Until)
		}
		if e.At, e.Until = want.At, want.Until; e != want {
			t.Errorf("got  %+v\nwant %+v", e, want)
		}
	})
}

func TestAWindowEndsAfterTenSeconds(t *testing.T) {
	bubble(t, func(t *testing.T, l *Log) {
		l.Record(refusal("192.0.2.1", "ci"))
		<-time.After(window - time.Millisecond)
		l.Record(refusal("192.0.2.1", "ci"))
		synctest.Wait()
		if n := len(all(t, l, 10)); n != 1 {
			t.Errorf("%d events before its end", n)
		}
		<-time.After(time.Millisecond)
		synctest.Wait()
		if got := all(t, l, 10); len(got) != 2 || got[1].Count != 1 || !got[1].Until.IsZero() ||
			got[1].Via.RequestID != "r" {
			t.Errorf("at its end %+v", got)
		}
		l.Record(refusal("192.0.2.1", "ci"))
		synctest.Wait()
		if n := len(all(t, l, 10)); n != 3 {
			t.Errorf("%d events; the first of the next window is written at once", n)
		}
		if n := windows(t, l); n != 1 {
			t.Errorf("%d windows", n)
		}
	})
}

func TestOnlyRefusalsThatAreAlikeAreCountedTogether(t *testing.T) {
	bubble(t, func(t *testing.T, l *Log) {
		first := refusal("192.0.2.1", "ci")
		code, route := first, first
		code.Code, route.Route = swarm.CodeRateLimited, "/drivers"
		events := []Event{first, code, route, refusal("192.0.2.1", "other"), refusal("192.0.2.2", "ci"),
			refusal("[2001:db8::1]:1", "ci"), refusal("[2001:db8:0:1::1]:1", "ci")}
		for range 3 {
			for _, e := range events {
				l.Record(e)
			}
		}
		l.Record(refusal("[2001:db8::ffff]:2", "ci")) // the same /64
		for range 5 {
			l.Record(act("an act")) // is never counted
		}
		<-time.After(window)
		synctest.Wait()
		sums := map[alike]int{}
		events = all(t, l, 5)
		acts := 0
		for _, e := range events {
			of := alikeOf(e)
			switch {
			case e.Kind != swarm.AuditRefused:
				acts++
				continue
			case e.Via.RemoteAddr == "2001:db8::/64": // its addresses differ
				of.address = e.Via.RemoteAddr
			}
			sums[of] += e.Count
		}
		if len(events) != 7*2+5 || len(sums) != 7 || acts != 5 {
			t.Errorf("%d events, %d acts, %v", len(events), acts, sums)
		}
		for of, n := range sums {
			want := 3
			if of.address == "2001:db8::/64" {
				want = 4
			}
			if n != want {
				t.Errorf("%d of %v", n, of)
			}
		}
	})
}

// TestManyAddressesShareAWindow: nobody can displace the other events by refusals from many addresses, and none of them
// is left out of the counts.
func TestManyAddressesShareAWindow(t *testing.T) {
	bubble(t, func(t *testing.T, l *Log) {
		const addresses = 5000
		for i := range addresses {
			l.Record(refusal(fmt.Sprintf("10.0.%d.%d", i/256, i%256), ""))
		}
		if n := windows(t, l); n != maxWindows+1 {
			t.Errorf("%d windows", n)
		}
		<-time.After(window)
		synctest.Wait()
		got := all(t, l, 1000)
		sum := 0
		for _, e := range got {
			sum += e.Count
		}
		last := got[len(got)-1]
		if len(got) != maxWindows+2 || sum != addresses || last.Via.RemoteAddr != "" ||
			last.Code != swarm.CodeForbidden || last.Count != addresses-maxWindows-1 {
			t.Errorf("%d events, for %d refusals; the last is %+v", len(got), sum, last)
		}
	})
}

// TestOneAddressHasFewWindows: a client cannot multiply its events by asking for everything.
func TestOneAddressHasFewWindows(t *testing.T) {
	bubble(t, func(t *testing.T, l *Log) {
		for i := range 400 {
			e := refusal(fmt.Sprintf("192.0.2.1:%d", i), "")
			e.Route = fmt.Sprintf("/route-%d", i%100)
			l.Record(e)
		}
		l.Record(refusal("192.0.2.2", "")) // another address is not affected
		<-time.After(window)
		synctest.Wait()
		got := all(t, l, 1000)
		last, sum := got[len(got)-1], 0
		for _, e := range got {
			sum += e.Count
		}
		if len(got) != 2*(maxOfAddress+1)+1 || sum != 401 || last.Via.RemoteAddr != "192.0.2.1" || last.Route != "" ||
			last.Code != swarm.CodeForbidden || last.Count != 4*(100-maxOfAddress)-1 {
			t.Errorf("%d events, for %d refusals; the last is %+v", len(got), sum, last)
		}
		if n := windows(t, l); n != 0 {
			t.Errorf("%d windows are left", n)
		}
	})
}

// windows returns how many windows are open.
func windows(t *testing.T, l *Log) int {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	r, n := l.repeats, 0
	for _, of := range r.of {
		n += of
	}
	if len(r.open) != n || len(r.order) != n {
		t.Errorf("%d windows, %d in order, %d of addresses", len(r.open), len(r.order), n)
	}
	return n
}

func TestCloseWritesWhatWasCounted(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l, err := Open(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			l.Record(refusal("192.0.2.1", "ci"))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got := all(t, l, 10); len(got) != 2 || got[1].Count != 9 {
			t.Errorf("%+v", got)
		}
	})
}
