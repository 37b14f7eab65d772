package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// authCmd checks an auth file on this machine.
type authCmd struct {
	Check authCheckCmd `cmd:"" help:"Check an auth file as the server reads it: exit 0 if it is valid, 2 if not."`
}

type authCheckCmd struct {
	File string `arg:"" optional:"" help:"The auth file; default: from SWARMCALL_AUTH_FILE." placeholder:"FILE"`
}

// Run prints what the file has, or all its errors.
func (c *authCheckCmd) Run(_ context.Context, s streams) error {
	path := c.File
	if path == "" {
		path = os.Getenv(authFileEnv)
	}
	if path == "" {
		return &clierr.Error{
			Code: clierr.Usage, What: "no auth file is named", Hint: "swarmcall auth check FILE, or set " + authFileEnv,
		}
	}
	f, err := authfile.Read(path)
	if err != nil {
		return &clierr.Error{
			Code: clierr.Usage, What: path + " is not valid; a running server keeps the one that it has", Cause: err,
			Hint: "correct each line that is named",
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s is valid: %s\n", path, summary(f))
	for _, warning := range f.Warnings(time.Now()) {
		b.WriteString("warning: " + warning + "\n")
	}
	_, err = io.WriteString(s.out, b.String())
	return err
}

// summary counts the rows by role.
func summary(f *authfile.File) string {
	count := map[swarm.Role]int{}
	for _, t := range f.Tokens {
		count[t.Role]++
	}
	var parts []string
	for _, role := range swarm.Roles() {
		if n := count[role]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, role))
		}
	}
	tokens := "tokens"
	if len(f.Tokens) == 1 {
		tokens = "token"
	}
	return fmt.Sprintf("%d %s (%s)", len(f.Tokens), tokens, strings.Join(parts, ", "))
}
