package auth

import (
	"crypto/subtle"
	"maps"
	"slices"
	"strings"

	"github.com/swarmcall/swarmcall/internal/auth/authfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// table is the content of an auth file, ready to be searched. It never changes.
type table struct {
	byHash map[[32]byte]*row
	byName map[string]*row
}

type row struct {
	token        authfile.Token
	principal    swarm.Principal // by its first hash
	fingerprints []string        // of its hashes
}

func tableOf(f *authfile.File) *table {
	t := &table{byHash: map[[32]byte]*row{}, byName: map[string]*row{}}
	for _, token := range f.Tokens {
		r := &row{token: token, principal: token.Principal(token.Hashes[0])}
		for _, hash := range token.Hashes {
			t.byHash[hash] = r
			r.fingerprints = append(r.fingerprints, authfile.Fingerprint(hash))
		}
		t.byName[token.Name] = r
	}
	return t
}

// find returns the row of a secret's hash. What is searched for is a hash, so the time that the search takes reveals
// nothing about a secret; the comparison takes constant time all the same.
func (t *table) find(hash [32]byte) (*row, bool) {
	r, ok := t.byHash[hash]
	if !ok {
		return nil, false
	}
	for _, have := range r.token.Hashes {
		if subtle.ConstantTimeCompare(have[:], hash[:]) == 1 {
			return r, true
		}
	}
	return nil, false
}

// changeTo says in words what differs in a newer table: names only.
func (t *table) changeTo(newer *table) string {
	var added, removed, changed []string
	for _, name := range slices.Sorted(maps.Keys(newer.byName)) {
		before, ok := t.byName[name]
		now := newer.byName[name]
		switch {
		case !ok:
			added = append(added, name)
		case !before.principal.Same(now.principal) || !before.token.Expires.Equal(now.token.Expires) ||
			!slices.Equal(before.fingerprints, now.fingerprints):
			changed = append(changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.byName)) {
		if newer.byName[name] == nil {
			removed = append(removed, name)
		}
	}
	var parts []string
	for _, list := range []struct {
		word  string
		names []string
	}{{"added", added}, {"removed", removed}, {"changed", changed}} {
		if len(list.names) > 0 {
			parts = append(parts, list.word+" "+strings.Join(list.names, ", "))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}
