package nodes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

const (
	registers = 3 // drivers that several writers command with conditions
	crowds    = 3 // submitters that command all other drivers
	crowdSize = 4 // those drivers
)

// op is the call of a writer, and what became of it.
type op struct {
	writer, at int // at: the node that answered
	target     string
	command    command
	call, done time.Duration
	tries      int
	answer     answer
}

// load commands a swarm through all nodes until it is stopped. Each command has a key, and is repeated until its answer
// is final.
type load struct {
	c     *cluster
	t     *testing.T
	began time.Time
	group *group
	sdk   []*recorder
	raw   []*raw

	broken  bool // a fault was not repaired
	writing sync.WaitGroup
	cease   chan struct{}

	mu  sync.Mutex
	ops []op
}

// newLoad starts the drivers, which know all nodes.
func newLoad(t *testing.T, c *cluster) *load {
	t.Helper()
	l := &load{c: c, t: t, began: time.Now(), group: newGroup(t)}
	l.sdk = append(l.group.sdks(t, c.urls, "register", registers), l.group.sdks(t, c.urls, "crowd", crowdSize)...)
	for i := range c.nodes {
		l.raw = append(l.raw, l.group.raw(&raw{
			recorder: recorder{id: fmt.Sprintf("raw-%d", i+1)}, instance: "one", labels: map[string]string{"pool": "crowd"},
			urls: turn(c.doors(), i),
		}))
	}
	c.joined(l.drivers())
	return l
}

func (l *load) drivers() int { return len(l.sdk) + len(l.raw) }

// doors returns the URLs of the nodes.
func (c *cluster) doors() (urls []string) {
	for _, n := range c.nodes {
		urls = append(urls, n.door.URL())
	}
	return urls
}

// turn returns a list that begins with its i-th element.
func turn(list []string, i int) []string {
	return append(append([]string{}, list[i:]...), list[:i]...)
}

// start starts the writers. Names make the commands of a round different from those of others.
func (l *load) start(round string) {
	l.cease = make(chan struct{})
	writer := 0
	for r := range registers {
		target := fmt.Sprintf("register-%d", r+1)
		shared := new(sharedRegister)
		for range l.c.nodes {
			l.write(writer, round, func(w *writing) { w.register(target, shared) })
			writer++
		}
	}
	for range crowds {
		l.write(writer, round, (*writing).crowd)
		writer++
	}
}

// stop ends the writers, each after the final answer to its last command.
func (l *load) stop() {
	close(l.cease)
	l.writing.Wait()
}

// accepted returns how many commands have been accepted.
func (l *load) accepted() (n int) {
	for _, o := range l.all() {
		if o.answer.accepted() {
			n++
		}
	}
	return n
}

func (l *load) all() []op {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ops[:len(l.ops):len(l.ops)]
}

// writing is one writer.
type writing struct {
	l      *load
	id, at int // at: the node that it asks first
	round  string
	chance *rand.Rand
	n      int
	last   uint64 // newest command that it knows
}

func (l *load) write(id int, round string, step func(*writing)) {
	w := &writing{l: l, id: id, at: id % len(l.c.nodes), round: round, chance: rand.New(rand.NewPCG(uint64(id), 1))}
	l.writing.Go(func() {
		for {
			step(w)
			select {
			case <-l.cease:
				return
			case <-time.After(time.Duration(w.chance.IntN(40)) * time.Millisecond): // a pace that leaves the machine room
			}
		}
	})
}

// sharedRegister lets the writers of a register send the same request at the same time.
type sharedRegister struct {
	mu   sync.Mutex
	used int
	next command
}

// register commands one driver, on some condition or none. Now and then all writers use the same key.
func (w *writing) register(target string, shared *sharedRegister) {
	cmd := command{
		submitter: target, key: fmt.Sprintf("%s-%d-%d", w.round, w.id, w.n), players: int64(1 + w.chance.IntN(1000)),
		target: fmt.Sprintf(`{"driver_ids":[%q]}`, target), stop: w.chance.IntN(8) == 0,
	}
	w.n++
	last := w.last
	switch w.chance.IntN(4) {
	case 0:
	case 1:
		cmd = shared.take(cmd)
	default:
		cmd.ifSeq = &last
	}
	w.send(target, cmd)
}

// take returns the request that another writer has begun, or begins one. Each is used three times.
func (s *sharedRegister) take(cmd command) command {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used%3 == 0 {
		s.next = cmd
		s.next.key += "-shared"
	}
	s.used++
	return s.next
}

// crowd commands all drivers of the crowd.
func (w *writing) crowd() {
	cmd := command{
		submitter: fmt.Sprintf("crowd-%d", w.id), key: fmt.Sprintf("%s-%d", w.round, w.n), players: int64(w.n + 1),
		target: `{"labels":{"pool":"crowd"}}`,
	}
	if w.n++; w.chance.IntN(3) == 0 {
		cmd.prefer = "respond-async"
	}
	w.send("crowd", cmd)
}

func (w *writing) send(target string, cmd command) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	o := op{writer: w.id, target: target, command: cmd, call: time.Since(w.l.began)}
	var err error
	o.answer, o.tries, err = w.l.c.insist(ctx, &w.at, cmd)
	o.done, o.at = time.Since(w.l.began), w.at
	if err != nil {
		w.l.t.Errorf("no final answer to %+v: %v", cmd, err)
		return
	}
	switch {
	case o.answer.accepted():
		w.last = max(w.last, o.answer.entry.Seq)
	case o.answer.status == http.StatusPreconditionFailed:
		w.last = w.newest(w.last, o.answer)
	default:
		w.l.t.Errorf("%+v: %d %s", cmd, o.answer.status, o.answer.body)
	}
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	w.l.ops = append(w.l.ops, o)
}

// newest returns the command that a refusal names.
func (w *writing) newest(asked uint64, a answer) uint64 {
	var problem struct{ Seq uint64 }
	if err := json.Unmarshal(a.body, &problem); err != nil || problem.Seq <= asked {
		w.l.t.Errorf("if_seq %d was refused: %s", asked, a.body)
	}
	return problem.Seq
}
