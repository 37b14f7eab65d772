package size

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/light"
)

// How many clients use the server in the soak at any time.
const (
	staying = 100 // drivers
	passing = 100 // drivers that stay for passFor
	deaf    = 50  // readers of /commands/stream and of the dashboard that never read
	viewing = 50  // viewers of the dashboard

	passFor = 4 * time.Second
	deafFor = 15 * time.Second // the server disconnects them 10 s after the buffers are full
	viewFor = 6 * time.Second
)

// usage is the load of the soak, with counts of it.
type usage struct {
	s      *server
	ctx    context.Context
	cease  context.CancelFunc
	all    sync.WaitGroup
	client *http.Client

	drivers, readers, views, events, commands, polls atomic.Int64
}

// use starts the load.
func use(s *server) *usage {
	u := &usage{s: s, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
	u.ctx, u.cease = context.WithCancel(context.Background())
	for i := range staying {
		u.all.Go(func() { u.drive(u.ctx, fmt.Sprintf("staying-%d", i), false) })
	}
	for i := range passing {
		u.again(func(life int) {
			u.during(passFor, i, passing, life, func(ctx context.Context) {
				u.drive(ctx, fmt.Sprintf("passing-%d-%d", i, life), life%2 == 0)
			})
		})
	}
	paths := []string{"/commands/stream", "/ui/stream?topic=/&fresh=/"}
	for i := range deaf {
		u.again(func(life int) {
			u.during(deafFor, i, deaf, life, func(ctx context.Context) { u.neverRead(ctx, paths[i%2]) })
		})
	}
	for i := range viewing {
		u.again(func(life int) { u.during(viewFor, i, viewing, life, u.view) })
	}
	u.every(50*time.Millisecond, u.command)
	u.every(time.Second, u.poll)
	return u
}

// end ends all clients, and returns when they have ended.
func (u *usage) end() {
	u.cease()
	u.all.Wait()
	u.client.CloseIdleConnections()
	u.s.clients.CloseIdleConnections()
}

func (u *usage) String() string {
	return fmt.Sprintf("%d drivers, %d readers, %d views with %d MB, %d commands, %d polls",
		u.drivers.Load(), u.readers.Load(), u.views.Load(), u.events.Load()/1e6, u.commands.Load(), u.polls.Load())
}

// again calls live repeatedly until the end, with the number of earlier calls.
func (u *usage) again(live func(life int)) {
	u.all.Go(func() {
		for life := 0; u.ctx.Err() == nil; life++ {
			live(life)
		}
	})
}

// during is one life of the i-th of n clients. The first lives have different lengths, so that later ones do not end
// all at once.
func (u *usage) during(long time.Duration, i, n, life int, live func(ctx context.Context)) {
	if life == 0 {
		long = long * time.Duration(i+1) / time.Duration(n)
	}
	ctx, cancel := context.WithTimeout(u.ctx, long)
	defer cancel()
	live(ctx)
	<-ctx.Done() // also after an early failure, so that it is not repeated without a pause
}

func (u *usage) every(pace time.Duration, do func()) {
	u.all.Go(func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				do()
			case <-u.ctx.Done():
				return
			}
		}
	})
}

// fail fails the test if err came before the end of ctx.
func (u *usage) fail(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		u.s.tb.Error(err)
	}
}

// drive runs a driver until ctx ends. Then the driver deregisters, or its connection is lost.
func (u *usage) drive(ctx context.Context, id string, deregisters bool) {
	d, err := light.Dial(ctx, u.s.addr, id)
	if err != nil {
		u.fail(ctx, err)
		return
	}
	u.drivers.Add(1)
	var serving sync.WaitGroup
	serving.Go(func() { d.Serve(nil) })
	beat(ctx, d)
	if deregisters && d.Deregister() == nil {
		serving.Wait() // the server closes
	}
	_ = d.Close()
	serving.Wait()
}

// neverRead asks for a stream and reads nothing. Its buffer is small, so that the server has to wait for it soon.
func (u *usage) neverRead(ctx context.Context, path string) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.s.addr)
	if err != nil {
		u.fail(ctx, err)
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0\r\n\r\n")
	u.fail(ctx, err)
	u.readers.Add(1)
	<-ctx.Done()
}

// view reads the stream of the overview until ctx ends.
func (u *usage) view(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+u.s.addr+"/ui/stream?topic=/&fresh=/", nil)
	if err != nil {
		u.fail(ctx, err)
		return
	}
	resp, err := u.client.Do(req)
	if err != nil {
		u.fail(ctx, err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	u.views.Add(1)
	n, err := io.Copy(io.Discard, resp.Body)
	u.events.Add(n)
	u.fail(ctx, err)
}

// command sends a load command to all, and a Stop now and then.
func (u *usage) command() {
	n := u.commands.Add(1)
	body := fmt.Sprintf(`{"submitter":"ci","command":{"type":"set_players","players":%d}}`, n)
	if n%20 == 0 {
		body = `{"submitter":"ops","command":{"type":"stop"}}`
	}
	u.fail(u.ctx, do(u.ctx, u.client, http.MethodPost, "http://"+u.s.addr+"/commands", body, http.StatusCreated))
}

// poll reads what people and scripts poll.
func (u *usage) poll() {
	u.polls.Add(1)
	for path := range strings.FieldsSeq("/drivers /state /commands") {
		u.fail(u.ctx, do(u.ctx, u.client, http.MethodGet, "http://"+u.s.addr+path, "", http.StatusOK))
	}
}
