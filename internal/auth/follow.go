package auth

import (
	"context"
	"fmt"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// follower is something that lasts as long as its principal has the same rights.
type follower struct {
	who swarm.Principal
	end context.CancelCauseFunc
}

// Follow returns a context that ends with ctx, and soon after p was revoked, has expired or has changed. The caller
// calls cancel when it has ended.
func (k *Keeper) Follow(ctx context.Context, p swarm.Principal) (_ context.Context, cancel context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	f := &follower{p, end}
	k.mu.Lock()
	k.followed[f] = struct{}{}
	k.mu.Unlock()
	return ctx, func() {
		k.mu.Lock()
		delete(k.followed, f)
		k.mu.Unlock()
		end(nil)
	}
}

// endFollowed ends those whose principal is no longer valid.
func (k *Keeper) endFollowed() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for f := range k.followed {
		if s := k.Standing(f.who); s != swarm.StandingValid {
			f.end(fmt.Errorf("the credential of %s is no longer valid: %s", f.who.Name, s))
			delete(k.followed, f)
		}
	}
}
