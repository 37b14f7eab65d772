package size

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/light"
)

// fleet is a process of drivers d-0, d-1 and so on. They ack at once, and send a heartbeat every second.
type fleet struct {
	*process
	n int
}

const beatEvery = time.Second

func join(s *server, n int) fleet {
	s.tb.Helper()
	f := fleet{startChild(s.tb, 0, "fleet", s.addr, n), n}
	f.readLine(&n)
	if n != f.n {
		s.tb.Fatalf("%d drivers of %d have joined", n, f.n)
	}
	return f
}

// stopped returns how many drivers have been sent the Stop with this seq, and when the last of them was.
func (f fleet) stopped(seq uint64) (n int, last time.Time) {
	f.tb.Helper()
	var at int64
	f.writeLine(seq)
	f.readLine(&n, &at)
	return n, time.Unix(0, at)
}

// stops records when drivers get a Stop.
type stops struct {
	mu   sync.Mutex
	n    map[uint64]int
	last map[uint64]time.Time
}

func (s *stops) heard(seq uint64, frame []byte) {
	if !bytes.Contains(frame, []byte(`"type":"stop"`)) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n[seq]++
	s.last[seq] = time.Now()
}

// beFleet runs in the child: for the seq of each Stop that it reads, it prints how many drivers got it, and when the
// last one did.
func beFleet(addr string, n int) int {
	s := &stops{n: map[uint64]int{}, last: map[uint64]time.Time{}}
	for i := range n {
		d, err := light.Dial(context.Background(), addr, fmt.Sprintf("d-%d", i))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		go d.Serve(s.heard)
		go beat(context.Background(), d)
	}
	fmt.Println(n)
	for seq := uint64(0); ; {
		if _, err := fmt.Fscanln(os.Stdin, &seq); err != nil {
			return 0 // the benchmark is over
		}
		s.mu.Lock()
		got, last := s.n[seq], s.last[seq]
		s.mu.Unlock()
		fmt.Println(got, last.UnixNano())
	}
}

// beat sends heartbeats until ctx ends or the connection has ended.
func beat(ctx context.Context, d *light.Driver) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for d.Beat() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
