// Package authfile reads, checks and edits the auth file: who may use a server, by the hashes of their secrets.
//
//	tokens:
//	  - {name: ci-nightly, hash: ["sha256:HEX"], role: controller, scope: {team: shop}, expires: 2027-01-31T00:00:00Z}
//	  - {name: eu-drivers, hash: ["sha256:HEX"], role: driver, driver_ids: ["eu-*"], labels: {region: eu, team: shop}}
//
// Reading is strict: a misspelt scope must not give somebody more rights than the file's author meant. No error shows
// the value of a hash, in case that a secret stands in its place.
package authfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/yamlfile"
)

// Limits of an auth file.
const (
	MaxBytes     = 1 << 20
	MaxTokens    = 10_000
	MaxDriverIDs = 100 // patterns per row
	MaxHashes    = 2   // per row: the secret in use, and the next one
)

// File is the content of an auth file that is valid.
type File struct{ Tokens []Token }

// Token is one row of the file: a name, its rights, and the hashes of the secrets that prove it.
type Token struct {
	Name      string
	Hashes    [][32]byte // one or two
	Role      swarm.Role
	Scope     map[string]string // nil: every target
	DriverIDs []string          // patterns; nil: every id
	Labels    map[string]string // of its drivers
	Expires   time.Time         // zero: never
}

// Principal returns who a request is from that proves one of the hashes of t.
func (t Token) Principal(hash [32]byte) swarm.Principal {
	return swarm.Principal{
		Name: t.Name, Role: t.Role, Scope: t.Scope, DriverIDs: t.DriverIDs, Labels: t.Labels, Expires: t.Expires,
		Credential: "token:" + Fingerprint(hash),
	}
}

// Find returns the row of a name; ok is false if there is none.
func (f *File) Find(name string) (t Token, ok bool) {
	for _, t := range f.Tokens {
		if t.Name == name {
			return t, true
		}
	}
	return Token{}, false
}

// Read reads and checks a file.
func Read(path string) (*File, error) {
	b, err := readText(path)
	if err != nil {
		return nil, err
	}
	return Parse(b)
}

// readText reads a file, and one byte more than the limit at most: then Parse refuses it.
func readText(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	return b, errors.Join(err, f.Close())
}

// Parse reads and checks the text of a file. It returns all errors at once, with their lines.
func Parse(b []byte) (*File, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("the file has more than %d bytes; remove rows that are not in use", MaxBytes)
	}
	root, err := scan(b)
	if err != nil {
		return nil, err
	}
	var bad yamlfile.Faults
	rows := tokens(root, &bad)
	checkRows(rows, &bad)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	f := &File{Tokens: make([]Token, len(rows))}
	for i, r := range rows {
		f.Tokens[i] = r.Token
	}
	return f, nil
}
