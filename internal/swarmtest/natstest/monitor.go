package natstest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// jetStream is the part of /jsz that is used.
type jetStream struct {
	Meta     *group `json:"meta_cluster"`
	Accounts []struct {
		Streams []struct {
			Name    string
			Cluster *group
		} `json:"stream_detail"`
	} `json:"account_details"`
}

// group is what a server knows of a Raft group.
type group struct {
	Leader   string
	Size     int `json:"cluster_size"` // of the meta group
	Replicas []struct {
		Name             string
		Current, Offline bool
	} // the other members
}

// WaitReady waits until all servers run and are current: they agree on a leader of the meta group, and have all that is
// in their streams.
func (c *Cluster) WaitReady(ctx context.Context) {
	c.t.Helper()
	c.until(ctx, "a cluster that is ready", func(ctx context.Context) error {
		leader := ""
		for _, s := range c.Servers {
			led, err := s.ready(ctx)
			if err != nil {
				return err
			}
			if err := s.get(ctx, "/healthz", nil); err != nil { // last: the server logs a warning if it is not healthy
				return err
			}
			if leader != "" && led != leader {
				return fmt.Errorf("%s and %s are leaders of the meta group", leader, led)
			}
			leader = led
		}
		return nil
	})
}

// ready returns the leader of the meta group, unless the server sees that something is missing.
func (s *Server) ready(ctx context.Context) (leader string, err error) {
	var js jetStream
	if err := s.get(ctx, "/jsz", &js); err != nil || len(s.c.Servers) == 1 {
		return "", err
	}
	m := js.Meta
	if m == nil || m.Leader == "" || m.Size != len(s.c.Servers) {
		return "", fmt.Errorf("%s has the meta group %+v", s.Name, m)
	}
	if m.Leader != s.Name {
		return m.Leader, nil // only the leader knows the others
	}
	if len(m.Replicas) != len(s.c.Servers)-1 {
		return "", fmt.Errorf("%s leads %+v", s.Name, m.Replicas)
	}
	for _, r := range m.Replicas {
		if !r.Current || r.Offline {
			return "", fmt.Errorf("%s leads %+v", s.Name, m.Replicas)
		}
	}
	return m.Leader, nil
}

// Leader waits until a stream has a leader, and returns which server it is. That server says so, and a majority of the
// stream's servers agrees: one that was isolated may take itself for the leader for some seconds more.
func (c *Cluster) Leader(ctx context.Context, stream string) (server int) {
	c.t.Helper()
	return c.OtherLeader(ctx, stream, -1)
}

// OtherLeader is Leader, but waits until it is not that server.
func (c *Cluster) OtherLeader(ctx context.Context, stream string, than int) (server int) {
	c.t.Helper()
	c.until(ctx, "a leader of "+stream, func(ctx context.Context) error {
		views := make([]*group, len(c.Servers))
		votes := map[string]int{}
		for i, s := range c.Servers {
			views[i], _ = s.stream(ctx, stream) // a server that does not answer has no vote
			if views[i] != nil {
				votes[views[i].Leader]++
			}
		}
		for i, s := range c.Servers {
			if v := views[i]; i != than && v != nil && v.Leader == s.Name && votes[s.Name] > (len(v.Replicas)+1)/2 {
				server = i
				return nil
			}
		}
		return fmt.Errorf("the servers see these leaders: %v", votes)
	})
	return server
}

// stream returns what the server knows of a stream, nil if it has none of that name.
func (s *Server) stream(ctx context.Context, name string) (*group, error) {
	var js jetStream
	if err := s.get(ctx, "/jsz?accounts=true&streams=true", &js); err != nil {
		return nil, err
	}
	for _, account := range js.Accounts {
		for _, stream := range account.Streams {
			switch {
			case stream.Name != name:
			case len(s.c.Servers) == 1:
				return &group{Leader: s.Name}, nil
			default:
				return stream.Cluster, nil
			}
		}
	}
	return nil, nil
}

// Routes returns how many connections to other servers a server has.
func (s *Server) Routes(ctx context.Context) (n int, err error) {
	var routez struct {
		N int `json:"num_routes"`
	}
	err = s.get(ctx, "/routez", &routez)
	return routez.N, err
}

// get asks the server's monitoring port. A server that is paused does not answer, hence the limit.
func (s *Server) get(ctx context.Context, path string, into any) error {
	s.c.mu.Lock()
	at := s.monitor
	s.c.mu.Unlock()
	if at == "" {
		return fmt.Errorf("%s does not run", s.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+path, http.NoBody)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", s.Name, path, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
