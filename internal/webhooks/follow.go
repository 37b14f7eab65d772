package webhooks

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"sync"
	"time"
)

// pollEvery is how often the file is read. A change is used when two readings agree, so that a file is not used while
// it is being written: after two intervals at most.
const pollEvery = time.Second

// mark identifies the content of the file, without keeping the secrets.
type mark [sha256.Size]byte

// fileState is what is known of the file.
type fileState struct {
	mu      sync.Mutex // held while the file is read and used
	inForce mark
	last    mark // of the last reading
	refused mark // of content that was reported as invalid
}

// reading is the file at one moment, or the error of reading it.
type reading struct {
	path    string
	content []byte
	exposed bool // other users of the machine may read it
	mark    mark
	err     error
}

func read(path string) reading {
	r := reading{path: path}
	r.content, r.exposed, r.err = readFile(path)
	r.mark = sha256.Sum256(fmt.Appendf(nil, "%v\n%s", r.err, r.content))
	return r
}

func (r reading) hooks() (hooks []*hook, err error) {
	if err = r.err; err == nil {
		hooks, err = parse(r.content)
	}
	if err != nil {
		return nil, fmt.Errorf("webhooks file %s: %w", r.path, err)
	}
	return hooks, nil
}

// follow reads the file again when it changes, until ctx ends.
func (s *Sender) follow(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.poll()
		}
	}
}

func (s *Sender) poll() {
	s.file.mu.Lock()
	defer s.file.mu.Unlock()
	r := read(s.cfg.File)
	settled := r.mark == s.file.last
	s.file.last = r.mark
	if r.mark == s.file.inForce {
		s.file.refused = mark{} // if the same mistake is made again, it is reported again
		return
	}
	if !settled || r.mark == s.file.refused {
		return
	}
	hooks, err := r.hooks()
	if err != nil {
		s.file.refused = r.mark
		s.cfg.Logger.Error("cannot use the webhooks file; its previous content stays in force", "err", err)
		return
	}
	s.adopt(r, hooks, "reloaded the webhooks file")
	_ = s.cursors.save() // it was logged
}

// Reload reads the file now. If it is not valid, the previous content stays in force. Hooks that are disabled get
// requests again.
func (s *Sender) Reload() error {
	s.file.mu.Lock()
	defer s.file.mu.Unlock()
	r := read(s.cfg.File)
	s.file.last = r.mark
	hooks, err := r.hooks()
	if err != nil {
		s.file.refused = r.mark // the caller logs it
		return err
	}
	s.adopt(r, hooks, "reloaded the webhooks file")
	return s.cursors.save()
}

// adopt puts the content of the file in force.
func (s *Sender) adopt(r reading, hooks []*hook, message string) {
	s.use(hooks)
	s.file.inForce, s.file.last, s.file.refused = r.mark, r.mark, mark{}
	names := make([]string, len(hooks))
	for i, h := range hooks {
		names[i] = h.name
	}
	s.cfg.Logger.Info(message, "file", r.path, "webhooks", names)
	if r.exposed {
		s.cfg.Logger.Warn("other users may read the webhooks file, which has secrets; remove the permission, such as with "+
			"chmod o= FILE", "file", r.path)
	}
	for _, h := range hooks {
		if h.url.Scheme == "http" && !onThisMachine(h.url.Hostname()) {
			s.cfg.Logger.Warn("a webhook gets records without encryption; use https", "webhook", h.name,
				"endpoint", h.endpoint())
		}
	}
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
