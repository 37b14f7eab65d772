package size

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"
)

const (
	floodersBeside = 32
	stopBeside     = 2.0 // times what a Stop takes alone, the median
)

// BenchmarkStop measures a Stop beside submitters that send load commands to all drivers as fast as they are answered,
// in turns with a Stop alone. It measures the time from POST /commands until every driver has received the Stop, and
// until the answer with all acks is read.
func BenchmarkStop(b *testing.B) {
	for _, n := range []int{10, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkStop(b, n) })
	}
}

func benchmarkStop(b *testing.B, n int) {
	s := start(b)
	f := join(s, n)
	flooders := newCrowd(s, "flooders")
	var alone, beside stopTimes
	var flooded int64
	var took time.Duration
	for b.Loop() {
		alone.measure(s, f)
		before, began := flooders.setCount(floodersBeside), time.Now()
		beside.measure(s, f)
		took += time.Since(began)
		flooded += flooders.setCount(0) - before
	}
	b.ReportMetric(float64(flooded)/took.Seconds(), "commands/s-beside")
	sent, answered := compare(b, "sent", alone.sent, beside.sent), compare(b, "answered", alone.answered,
		beside.answered)
	held(b, "until drivers have a Stop, beside flooders", sent, stopBeside)
	held(b, "until a Stop is answered, beside flooders", answered, stopBeside)
}

// TestStopBesideFlooders: every driver gets and acks a Stop, however many commands are under way.
func TestStopBesideFlooders(t *testing.T) {
	s := start(t)
	f := join(s, 100)
	flooders := newCrowd(s, "flooders")
	flooders.setCount(floodersBeside)
	var beside stopTimes
	beside.measure(s, f)
	flooders.setCount(0)
}

// flood sends a load command to all drivers.
func flood(client *http.Client, addr string, i int) error {
	body := fmt.Sprintf(
		`{"submitter":"flooder-%d","command":{"type":"set_players","players":7},"deadline_ms":60000}`, i)
	return do(context.Background(), client, http.MethodPost, "http://"+addr+"/commands", body, http.StatusCreated)
}

// stopTimes are the times of Stops: until every driver was sent the Stop, and until the answer was read.
type stopTimes struct{ sent, answered times }

// stopsPerTurn Stops are measured, after one that is not, because flooders connect during that one.
const stopsPerTurn = 20

func (t *stopTimes) measure(s *server, f fleet) {
	s.tb.Helper()
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for i := range 1 + stopsPerTurn {
		<-pace.C
		sent, answered := stop(s, f)
		if i > 0 {
			t.sent, t.answered = append(t.sent, sent), append(t.answered, answered)
		}
	}
}

// stop stops all drivers once. A newer load command may supersede a Stop that has not been sent to a driver.
func stop(s *server, f fleet) (sent, answered time.Duration) {
	s.tb.Helper()
	began := time.Now()
	body := s.command(`{"submitter":"ops","command":{"type":"stop"},"deadline_ms":60000}`)
	answered = time.Since(began)
	var entry struct {
		Seq    uint64
		Counts struct{ Targeted, Acked, Superseded int }
	}
	if err := json.Unmarshal([]byte(body), &entry); err != nil {
		s.tb.Fatal(err)
	}
	n, last := f.stopped(entry.Seq)
	if c := entry.Counts; c.Targeted != f.n || c.Acked+c.Superseded != f.n || c.Acked != n || n == 0 {
		s.tb.Fatalf("%d drivers have had the Stop of %.500s", n, body)
	}
	return last.Sub(began), answered
}
