package auth

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/internal/auth/authfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// pollEvery is how often the auth file is compared. What is revoked must have ended within 5 s.
const pollEvery = time.Second

// Config is what a Keeper needs.
type Config struct {
	File       string       // path of the auth file
	SessionKey []byte       // 32 bytes that seal session cookies; see SessionKey
	Logger     *slog.Logger // required

	// Unknown limits requests of an address without a valid credential. It reports false if the request is one too many,
	// and how long to wait. Nil: no limit.
	Unknown func(addr string) (wait time.Duration, ok bool)

	// Reloaded is called after the file has changed: with what changed, or with why the old content stays in force. Nil:
	// nobody is told.
	Reloaded func(change string, err error)
}

// Keeper knows the principals. It is safe for concurrent use.
type Keeper struct {
	cfg     Config
	seal    sealer
	current atomic.Pointer[table]

	mu       sync.Mutex
	read     []byte // content of the file that was read last, valid or not
	followed map[*follower]struct{}
	ended    map[string]time.Time // ids of sessions that were signed out, with their expiry
}

// Open reads the auth file.
func Open(cfg Config) (*Keeper, error) {
	seal, err := newSealer(cfg.SessionKey)
	if err != nil {
		return nil, err
	}
	k := &Keeper{cfg: cfg, seal: seal, followed: map[*follower]struct{}{}, ended: map[string]time.Time{}}
	f, content, err := load(cfg.File)
	if err != nil {
		return nil, err
	}
	k.read = content
	k.current.Store(tableOf(f))
	for _, warning := range f.Warnings(time.Now()) {
		cfg.Logger.Warn("auth file: "+warning, "file", cfg.File)
	}
	return k, nil
}

func load(path string) (*authfile.File, []byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the auth file: %w", err)
	}
	f, err := authfile.Parse(content)
	if err != nil {
		return nil, content, fmt.Errorf("auth file %s: %w", path, err)
	}
	return f, content, nil
}

// Run reads the file again when it has changed, and ends what no longer has a right to go on, until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_ = k.reload(false) // it was logged
		k.endFollowed()
	}
}

// Reload reads the file again now. If it is not valid, the old content stays in force.
func (k *Keeper) Reload() error {
	defer k.endFollowed()
	return k.reload(true)
}

// reload reads the file. Unless it is forced, it does nothing if the file is as it was read last.
func (k *Keeper) reload(forced bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	f, content, err := load(k.cfg.File)
	if !forced && (content != nil || k.read == nil) && bytes.Equal(content, k.read) {
		return nil // an error was reported when the file was read for the first time
	}
	k.read = content
	if err != nil {
		k.cfg.Logger.Error("cannot reload the auth file; its old content stays in force", "file", k.cfg.File, "err", err)
		k.tell("", err)
		return err
	}
	before := k.current.Swap(tableOf(f))
	change := before.changeTo(k.current.Load())
	k.cfg.Logger.Info("reloaded the auth file", "file", k.cfg.File, "change", change)
	k.tell(change, nil)
	return nil
}

func (k *Keeper) tell(change string, err error) {
	if k.cfg.Reloaded != nil {
		k.cfg.Reloaded(change, err)
	}
}

// Standing returns what has become of a principal.
func (k *Keeper) Standing(p swarm.Principal) swarm.Standing {
	now, ok := k.current.Load().byName[p.Name]
	if !ok {
		return swarm.StandingRevoked
	}
	expires := now.token.Expires
	if isCookie(p) && (expires.IsZero() || p.Expires.Before(expires)) {
		expires = p.Expires
	}
	switch {
	case !expires.IsZero() && !time.Now().Before(expires):
		return swarm.StandingExpired
	case !slices.Contains(now.fingerprints, fingerprintOf(p)) || !now.principal.Same(p):
		return swarm.StandingChanged
	}
	return swarm.StandingValid
}
