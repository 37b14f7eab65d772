package remote

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// ParseURLs parses the address of a server, or a list of several with commas; from names its source, for errors.
func ParseURLs(list, from string) (all []*url.URL, _ error) {
	addresses, err := wire.SplitURLs(list)
	if err != nil {
		return nil, &clierr.Error{
			Code: clierr.Usage, What: err.Error(), Hint: "the list of server addresses comes from " + from,
		}
	}
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return nil, &clierr.Error{
				Code: clierr.Usage, What: fmt.Sprintf("%q is not a server address", Mask(address)),
				Hint: "use one such as http://127.0.0.1:8080; this one comes from " + from,
			}
		}
		all = append(all, u)
	}
	return all, nil
}

// servers are those of one swarm. Each answers every request alike, so a request goes to the one that answered last,
// and at first to the first.
type servers struct {
	all []*server

	mu      sync.Mutex
	current int
}

type server struct {
	base     string      // without a slash at its end
	path     string      // of base
	answered atomic.Bool // it has answered before, so it is running or restarting
}

// newServers takes addresses that ParseURLs has accepted.
func newServers(list string) (*servers, error) {
	addresses, err := wire.SplitURLs(list)
	if err != nil {
		return nil, err
	}
	s := &servers{}
	for _, address := range addresses {
		base := strings.TrimRight(address, "/")
		u, err := url.Parse(base)
		if err != nil {
			return nil, err
		}
		s.all = append(s.all, &server{base: base, path: u.EscapedPath()})
	}
	return s, nil
}

func (s *servers) several() bool { return len(s.all) > 1 }

// use returns the server for the next request.
func (s *servers) use() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// keep makes the next request go to this server.
func (s *servers) keep(at int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = at
}

// leave makes the next request go to the server after this one, if it would go to this one.
func (s *servers) leave(at int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == at {
		s.current = (at + 1) % len(s.all)
	}
}

// names returns the addresses for display.
func (s *servers) names() string {
	var names []string
	for _, one := range s.all {
		names = append(names, Mask(one.base))
	}
	return strings.Join(names, ",")
}

// tour is the way of one request over the servers.
type tour struct {
	*servers
	at    int
	stops []stop
}

// stop is what happened to the request at one server.
type stop struct {
	tries int
	again time.Time // when to try again
	over  bool      // do not try again
	why   string    // the last failure
}

func (s *servers) tour() *tour {
	return &tour{servers: s, at: s.use(), stops: make([]stop, len(s.all))}
}

// aim returns req, which is made for the first server, for the present one.
func (t *tour) aim(req *http.Request) (*http.Request, error) {
	if t.at == 0 {
		return req, nil
	}
	u, err := url.Parse(t.all[t.at].base + strings.TrimPrefix(req.URL.EscapedPath(), t.all[0].path))
	if err != nil {
		return nil, err
	}
	u.RawQuery = req.URL.RawQuery
	out := req.Clone(req.Context())
	out.URL, out.Host = u, u.Host
	return out, nil
}

// failed records that the present server did not answer, or cannot serve. It may be tried again after wait, unless it
// is over.
func (t *tour) failed(why string, wait time.Duration, over bool) {
	s := &t.stops[t.at]
	s.tries, s.again, s.over, s.why = s.tries+1, time.Now().Add(wait), over, why
}

// next goes on to the server that may be tried first: in the order of the list those that were not tried yet, then the
// one with the shortest wait. ok is false if there is none, or if the wait is over rest. A server that limits the rate
// of this user is the only one to ask: the limit is meant for all.
func (t *tour) next(limited bool, rest time.Duration) (wait time.Duration, ok bool) {
	best := -1
	for i := 1; i <= len(t.all); i++ {
		at := (t.at + i) % len(t.all)
		if s := t.stops[at]; !s.over && (best < 0 || s.again.Before(t.stops[best].again)) {
			best = at
		}
	}
	if limited {
		best = t.at
	}
	if best < 0 {
		return 0, false
	}
	t.at = best
	if t.stops[best].tries == 0 {
		return 0, true
	}
	wait = max(time.Until(t.stops[best].again), 0)
	return wait, wait <= rest
}

// hopeless reports whether no server of the tour may be tried again.
func (t *tour) hopeless() bool {
	for _, s := range t.stops {
		if !s.over {
			return false
		}
	}
	return true
}

// explained names the present server in a message, if there are several.
func (t *tour) explained(why string) string {
	if !t.several() {
		return why
	}
	return Mask(t.all[t.at].base) + ": " + why
}

// unavailable is the error of a request that no server has answered as it should. It reads like the last failure.
type unavailable struct {
	error
	answer   *http.Response // the last answer, if that was the failure
	hopeless bool
	failures []string // of each server, if there are several
}

func (u *unavailable) Unwrap() error { return u.error }

// ended returns the error of a request that is not tried again, after this answer or error.
func (t *tour) ended(answer *http.Response, err error) error {
	u := &unavailable{error: err, answer: answer, hopeless: t.hopeless()}
	if err == nil {
		u.error = errors.New("the server answered " + answer.Status)
	}
	for i, s := range t.stops {
		if t.several() && s.tries > 0 {
			u.failures = append(u.failures, Mask(t.all[i].base)+": "+s.why)
		}
	}
	return u
}

// cut is the error of a stream from the present server that was interrupted.
func (t *tour) cut(err error) error {
	t.failed(cause(err).Error(), 0, false)
	return t.ended(nil, err)
}

// final is the error of a request that must not be tried again, whatever other servers there are; nil for nil.
func (t *tour) final(err error) error {
	if err == nil {
		return nil
	}
	t.failed(cause(err).Error(), 0, true)
	return t.ended(nil, err)
}

// failuresOf returns what happened at each of several servers.
func failuresOf(err error) []string {
	if u, ok := errors.AsType[*unavailable](err); ok {
		return u.failures
	}
	return nil
}

// answerOf returns the answer of a request, also one that says that the server cannot serve now.
func answerOf(resp *http.Response, err error) (*http.Response, error) {
	if u, ok := errors.AsType[*unavailable](err); ok && u.answer != nil {
		return u.answer, nil
	}
	return resp, err
}

// unsent reports whether err means that no part of a request was sent: there was no connection.
func unsent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "dial" || op.Op == "proxyconnect")
}
