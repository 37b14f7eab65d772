package plan

import (
	"context"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// identify finds out under which name the server logs commands that name no submitter: that of the token. By it the run
// recognizes its own commands. A server of an earlier version does not know tokens, and logs a name of its own.
func (r *Runner) identify(ctx context.Context) error {
	if r.Submitter != "" {
		return nil
	}
	who, err := r.Server.Whoami(ctx)
	if remote.IsRefused(err, api.NotFound) {
		r.claim.submitter = swarm.Anonymous
		return nil
	}
	r.claim.submitter = who.Value.Name
	return err
}
