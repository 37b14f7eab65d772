package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
)

// tokenCmd edits an auth file on this machine. It needs no server: the server reads the file again by itself.
type tokenCmd struct {
	New    tokenNewCmd    `cmd:"" help:"Make a secret, add its hash to the auth file, and print the secret once."`
	Revoke tokenRevokeCmd `cmd:"" help:"Remove a token from the auth file, or one of its secrets."`
	List   tokenListCmd   `cmd:"" help:"List the tokens of the auth file. It has no secrets, only hashes."`
}

const authFileEnv = "SWARMCALL_AUTH_FILE"

// authFile is the file that token edits.
type authFile struct {
	File string `env:"SWARMCALL_AUTH_FILE" help:"The server's auth file; default: from SWARMCALL_AUTH_FILE." placeholder:"FILE"`
}

// Validate refuses a missing name of the file. Kong calls it.
func (a authFile) Validate() error {
	if a.File == "" {
		return errors.New("name the server's auth file: --file FILE or " + authFileEnv)
	}
	return nil
}

// flag is the flag to copy into the next command; "" if the environment names the file.
func (a authFile) flag() string {
	if os.Getenv(authFileEnv) == a.File {
		return ""
	}
	return " --file " + a.File
}

// failed is the error of an action on the file.
func (a authFile) failed(what string, err error, hint string) error {
	return &clierr.Error{Code: clierr.Usage, What: what, Cause: err, Hint: hint}
}

// read reads the file.
func (a authFile) read() (*authfile.File, error) {
	f, err := authfile.Read(a.File)
	if err != nil {
		return nil, a.failed("cannot read the auth file "+a.File, err, "check it: swarmcall auth check "+a.File)
	}
	return f, nil
}

// reading says when a change takes effect.
const reading = "a running server reads the file again by itself"

// fingerprints names the secrets of a token.
func fingerprints(t authfile.Token) (names []string) {
	for _, hash := range t.Hashes {
		names = append(names, authfile.Fingerprint(hash))
	}
	return names
}

// hintOn returns what to do about an error of an edit; "" if the error says it.
func (a authFile) hintOn(err error, name string) string {
	switch {
	case errors.Is(err, authfile.ErrNameTaken):
		return fmt.Sprintf("choose another name, or give this token a second secret: swarmcall token new %s --rotate%s",
			name, a.flag())
	case errors.Is(err, authfile.ErrNoRow), errors.Is(err, authfile.ErrNoHash):
		return "list the tokens: swarmcall token list" + a.flag()
	case errors.Is(err, authfile.ErrOnlyHash):
		return fmt.Sprintf("remove the token: swarmcall token revoke %s%s", name, a.flag())
	case errors.Is(err, authfile.ErrTwoHashes):
		return a.oldest(name)
	}
	return ""
}

// oldest says how to revoke the older of two secrets.
func (a authFile) oldest(name string) string {
	f, err := authfile.Read(a.File)
	if err != nil {
		return ""
	}
	t, ok := f.Find(name)
	if !ok {
		return ""
	}
	return fmt.Sprintf("revoke the older one first: swarmcall token revoke %s --hash %s%s", name, fingerprints(t)[0],
		a.flag())
}
