package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/swarmcall/swarmcall/internal/auth/authfile"
)

type tokenRevokeCmd struct {
	Name string `arg:"" help:"Name of the token."`
	authFile
	Hash *string `help:"Remove only the secret with this fingerprint, as token list shows it; the other one stays." placeholder:"FINGERPRINT"`
}

// Validate refuses an empty fingerprint, which a script might pass by mistake. Kong calls it.
func (c *tokenRevokeCmd) Validate() error {
	if c.Hash != nil && *c.Hash == "" {
		return errors.New("--hash is empty; see the fingerprints: swarmcall token list")
	}
	return c.authFile.Validate()
}

// Run changes the file.
func (c *tokenRevokeCmd) Run(_ context.Context, s streams) error {
	if _, err := c.read(); err != nil {
		return err
	}
	what, edit := "token "+c.Name, func(text []byte) ([]byte, error) { return authfile.Remove(text, c.Name) }
	if c.Hash != nil {
		print := strings.ToLower(*c.Hash)
		what = "secret " + print + " of token " + c.Name
		edit = func(text []byte) ([]byte, error) { return authfile.RemoveHash(text, c.Name, print) }
	}
	if err := authfile.Edit(c.File, edit); err != nil {
		return c.failed(fmt.Sprintf("cannot remove the %s from %s", what, c.File), err, c.hintOn(err, c.Name))
	}
	_, err := fmt.Fprintf(s.err, "%s is removed from %s; %s, and ends its connections\n", what, c.File, reading)
	return err
}
