package driver

import (
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// servers are those of Config.URL. A driver begins with a random one, so that a swarm spreads over them, and goes on to
// the next one whenever it has to connect again.
type servers struct {
	all []server
	at  int // the one in use
}

type server struct {
	url  string    // of the WebSocket
	name string    // as in Config.URL, without a password
	held time.Time // until when it asked to be left alone
}

// serversOf reads the list of Config.URL.
func serversOf(list string) (servers, error) {
	urls, err := wire.SplitURLs(list)
	if err != nil {
		return servers{}, err
	}
	var s servers
	for _, base := range urls {
		at, err := endpoint(base)
		if err != nil {
			return servers{}, err
		}
		u, _ := url.Parse(base) // endpoint has parsed it
		s.all = append(s.all, server{url: at, name: u.Redacted()})
	}
	s.at = rand.IntN(len(s.all)) //nolint:gosec // spreading load needs no secret
	return s, nil
}

func (s *servers) current() server { return s.all[s.at] }

func (s *servers) several() bool { return len(s.all) > 1 }

// next goes on to the next server in the order of the list, and leaves the current one alone for hold. If all have
// asked for that, it goes on to the one that may be asked first, and returns how long that takes.
func (s *servers) next(hold time.Duration) (wait time.Duration) {
	now := time.Now()
	s.all[s.at].held = now.Add(hold)
	first := s.at
	for i := 1; i <= len(s.all); i++ {
		at := (s.at + i) % len(s.all)
		if held := s.all[at].held; !held.After(now) {
			s.at = at
			return 0
		} else if held.Before(s.all[first].held) {
			first = at
		}
	}
	s.at = first
	return s.all[first].held.Sub(now)
}
