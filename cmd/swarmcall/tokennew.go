package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

type tokenNewCmd struct {
	Name string `arg:"" help:"Name of the token; the server shows it as the sender of commands."`
	authFile
	Role     string            `help:"What it may do: viewer, stopper, controller, admin or driver." placeholder:"ROLE"`
	Scope    map[string]string `help:"Only commands whose target has this label; repeat to require several labels." placeholder:"KEY=VALUE" mapsep:"none"`
	DriverID []string          `name:"driver-id" help:"For a driver: an id that it may register, or a pattern such as eu-*; may be repeated." placeholder:"PATTERN" sep:"none"`
	Label    map[string]string `help:"For a driver: a label that it must register with; may be repeated." placeholder:"KEY=VALUE" mapsep:"none"`
	Expires  string            `help:"When it ends: a time such as 2027-01-31T00:00:00Z, or a duration from now such as 90d or 12h; default: never." placeholder:"TIME"`
	Out      string            `help:"Write the secret to this new file, for its owner only, instead of stdout." placeholder:"FILE"`
	Rotate   bool              `help:"Give an existing token a second secret; both are valid until one is revoked."`
}

// Validate refuses flags that contradict each other. Kong calls it.
func (c *tokenNewCmd) Validate() error {
	if why := authfile.NameFault(c.Name); why != "" {
		return errors.New("the name " + why)
	}
	if err := c.authFile.Validate(); err != nil {
		return err
	}
	role := swarm.Role(c.Role)
	switch {
	case c.Rotate && c.Role+c.Expires == "" && len(c.Scope)+len(c.DriverID)+len(c.Label) == 0:
		return nil
	case c.Rotate:
		return errors.New("--rotate only adds a secret; edit role, scope, driver_ids, labels and expires in the file")
	case c.Role == "":
		return errors.New("--role is missing; give one of viewer, stopper, controller, admin, driver")
	case !slices.Contains(swarm.Roles(), role):
		return fmt.Errorf("--role is %q; it must be one of viewer, stopper, controller, admin, driver", c.Role)
	case role == swarm.RoleDriver && len(c.Scope) > 0:
		return errors.New("--scope is not for the role driver; --label and --driver-id bound what it may register")
	case role != swarm.RoleDriver && len(c.DriverID)+len(c.Label) > 0:
		return errors.New("--driver-id and --label are only for the role driver; --scope bounds what others may " +
			"command")
	}
	_, err := expiry(c.Expires, time.Now())
	return err
}

// expiry reads --expires; the zero time for none.
func expiry(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		d, ok := duration(s)
		if !ok {
			return at, fmt.Errorf("--expires %q is not a time such as 2027-01-31T00:00:00Z, or a duration such as "+
				"90d or 12h", s)
		}
		at = now.UTC().Add(d).Truncate(time.Second)
	}
	if !at.After(now) {
		return at, fmt.Errorf("--expires %s is not in the future", s)
	}
	return at, nil
}

// duration reads a duration, also one in days.
func duration(s string) (time.Duration, bool) {
	const day, most = 24 * time.Hour, 36500
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		return time.Duration(n) * day, err == nil && n <= most
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

// Run changes the file, and then shows the secret: nobody has a secret that the file does not have.
func (c *tokenNewCmd) Run(_ context.Context, s streams) error {
	secret, hash := authfile.NewSecret()
	out, discard, err := c.open(s.out)
	if err != nil {
		return err
	}
	if err := authfile.Edit(c.File, c.edit(hash)); err != nil {
		discard()
		return c.failed("cannot add the token to "+c.File, err, c.hintOn(err, c.Name))
	}
	if _, err := io.WriteString(out, secret+"\n"); err != nil {
		discard()
		return c.lost(err, hash)
	}
	if f, ok := out.(*os.File); ok && c.Out != "" {
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return c.lost(err, hash)
		}
	}
	_, err = io.WriteString(s.err, c.next(hash))
	return err
}

// edit returns the change of the file.
func (c *tokenNewCmd) edit(hash [32]byte) func([]byte) ([]byte, error) {
	if c.Rotate {
		return func(text []byte) ([]byte, error) { return authfile.AddHash(text, c.Name, hash) }
	}
	return func(text []byte) ([]byte, error) {
		at, err := expiry(c.Expires, time.Now())
		if err != nil {
			return nil, err
		}
		return authfile.Add(text, authfile.Token{
			Name: c.Name, Hashes: [][32]byte{hash}, Role: swarm.Role(c.Role), Scope: c.Scope, DriverIDs: c.DriverID,
			Labels: c.Label, Expires: at,
		})
	}
}

// open returns where the secret goes, and how to undo that. A file must be new: it might be the secret of another.
func (c *tokenNewCmd) open(stdout io.Writer) (out io.Writer, discard func(), err error) {
	if c.Out == "" {
		return stdout, func() {}, nil
	}
	f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, c.failed("cannot write the secret", err, "give --out the name of a new file")
	}
	return f, func() {
		_ = f.Close()
		_ = os.Remove(c.Out)
	}, nil
}

// lost is the error of a secret that the file has, and nobody else. It says how to remove it.
func (c *tokenNewCmd) lost(err error, hash [32]byte) error {
	revoke := "revoke it: swarmcall token revoke " + c.Name
	if c.Rotate {
		revoke += " --hash " + authfile.Fingerprint(hash)
	}
	return &clierr.Error{
		Code: clierr.Failed, What: "the secret could not be written, and is lost", Cause: err, Hint: revoke + c.flag(),
	}
}

// next says what to do with the secret.
func (c *tokenNewCmd) next(hash [32]byte) string {
	text := fmt.Sprintf("token %s, secret %s, is in %s; %s\n", c.Name, authfile.Fingerprint(hash), c.File, reading)
	if c.Out == "" {
		text += "the secret is not shown again\n"
	} else {
		text += "the secret is in " + c.Out + "\n"
	}
	if swarm.Role(c.Role) == swarm.RoleDriver {
		text += "next: give the driver a file with it: SWARMCALL_TOKEN_FILE or --token-file\n"
	} else {
		text += "next: swarmcall login stores it for a person; a pipeline names a file with it: SWARMCALL_TOKEN_FILE\n"
	}
	if c.Rotate {
		if old := c.older(hash); old != "" {
			text += fmt.Sprintf("when nothing uses the old secret any more: swarmcall token revoke %s --hash %s%s\n",
				c.Name, old, c.flag())
		}
	}
	return text
}

// older returns the fingerprint of the other secret.
func (c *tokenNewCmd) older(hash [32]byte) string {
	f, err := authfile.Read(c.File)
	if err != nil {
		return ""
	}
	t, _ := f.Find(c.Name)
	for _, name := range fingerprints(t) {
		if name != authfile.Fingerprint(hash) {
			return name
		}
	}
	return ""
}
