package main

import (
	"context"
	"fmt"
	"os"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/settings"
)

type logoutCmd struct {
	Context string `help:"Named server whose token to remove; default: the selected one." placeholder:"NAME"`
}

// Run removes a token that login stored. The token stays valid: only its removal from the auth file revokes it.
func (c *logoutCmd) Run(_ context.Context, s streams) error {
	f, err := settings.Read(settings.UserFile())
	if err != nil {
		return err
	}
	name := c.Context
	if name == "" {
		name = os.Getenv("SWARMCALL_CONTEXT")
	}
	if _, known := f.Contexts[f.Context]; name == "" && known {
		name = f.Context
	}
	path, removed, err := f.SignOut(name)
	switch {
	case err != nil:
		return err
	case path == "":
		_, _ = fmt.Fprintln(s.err, "no token is stored for "+placeName(name))
	case !removed:
		_, _ = fmt.Fprintf(s.err, "%s does not use the token in %s any more; the file stays, because login did not "+
			"make it\n", placeName(name), path)
	default:
		_, _ = fmt.Fprintf(s.err, "the token for %s is removed from this machine; it is valid until it is revoked: "+
			"swarmcall token revoke\n", placeName(name))
	}
	return nil
}

func placeName(context string) string {
	if context == "" {
		return "the server of the user's file"
	}
	return "the context " + context
}
