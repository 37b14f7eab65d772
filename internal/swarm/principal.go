package swarm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/command"
)

// Role says what a principal may do.
type Role string

// The roles. Each of the first four includes the rights of those before it; a driver has rights of its own.
const (
	RoleViewer     Role = "viewer"     // read everything but the audit log
	RoleStopper    Role = "stopper"    // also Stop, within the scope
	RoleController Role = "controller" // also every other command, within the scope
	RoleAdmin      Role = "admin"      // everything
	RoleDriver     Role = "driver"     // connect as a driver, and nothing else
)

// Roles lists every role in the order documents show them.
func Roles() []Role { return []Role{RoleViewer, RoleStopper, RoleController, RoleAdmin, RoleDriver} }

// Includes reports whether a principal of role r may do what needs the role needed. The empty role is of nobody and
// includes nothing.
func (r Role) Includes(needed Role) bool {
	if needed == RoleDriver || r == RoleDriver {
		return r == needed || r == RoleAdmin
	}
	ranks := Roles()[:4]
	have, need := slices.Index(ranks, r), slices.Index(ranks, needed)
	return have >= 0 && need >= 0 && have >= need
}

// RoleFor returns the role that a command of a type needs.
func RoleFor(t command.Type) Role {
	if t == command.Stop {
		return RoleStopper
	}
	return RoleController
}

// Principal is who sends a request. The zero Principal is nobody and may do nothing.
type Principal struct {
	Name       string
	Role       Role
	Scope      map[string]string // labels that the target of each command must have; empty: every target is allowed
	DriverIDs  []string          // patterns of the driver ids that it may register; empty: every id
	Labels     map[string]string // labels that each of its drivers must have
	Expires    time.Time         // when the credential expires; zero: never
	Credential string            // identifies the credential without revealing it: "token:" and 8 hex digits of its hash
}

// AnonymousPrincipal is everybody while authentication is off.
func AnonymousPrincipal() Principal {
	return Principal{Name: Anonymous, Role: RoleAdmin, Credential: Anonymous}
}

// Same reports whether p and q have the same name and rights. The credential and its expiry may differ.
func (p Principal) Same(q Principal) bool {
	return p.Name == q.Name && p.Role == q.Role && maps.Equal(p.Scope, q.Scope) &&
		slices.Equal(p.DriverIDs, q.DriverIDs) && maps.Equal(p.Labels, q.Labels)
}

// MaySubmit returns nil if p may submit a command of a type to a target, else an Error of CodeForbidden or
// CodeOutsideScope.
func (p Principal) MaySubmit(t command.Type, target Target) error {
	if needed := RoleFor(t); !p.Role.Includes(needed) {
		return Forbidden(p, needed)
	}
	missing := map[string]string{}
	for key, value := range p.Scope {
		if target.Labels[key] != value {
			missing[key] = value
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &Error{
		Code: CodeOutsideScope,
		Detail: fmt.Sprintf("%s may only command drivers with the labels of its scope; add to target.labels: %s",
			p.Name, LabelText(missing)),
		Attrs: map[string]any{"labels": missing},
	}
}

// Forbidden returns the Error for a principal whose role does not include the role needed.
func Forbidden(p Principal, needed Role) *Error {
	return Errorf(CodeForbidden, fmt.Sprintf("%s has the role %s; this needs the role %s", p.Name, p.Role, needed))
}

// SubmitterFor returns the submitter of a request of p. asked is the submitter that the request names, "" for none.
// While authentication is off, the request may name any submitter that is not reserved.
func (p Principal) SubmitterFor(asked string) (string, error) {
	switch {
	case ReservedName(asked):
		return "", &Error{
			Code: CodeInvalidCommand, Detail: "the command was refused and nothing was sent",
			Fields: []FieldError{{Pointer: "/submitter",
				Detail: "begins with guard/ or swarmcall/, which are reserved for the server; choose another name"}},
		}
	case p.Credential == Anonymous && asked != "":
		return asked, nil
	case asked == "" || asked == p.Name:
		return p.Name, nil
	}
	return "", Errorf(CodeSubmitterMismatch,
		fmt.Sprintf("the credential belongs to %s, so the submitter cannot be another name; leave submitter out", p.Name))
}

// MayRegister returns "" if p may register a driver with an id and labels, else the reason why not.
func (p Principal) MayRegister(id string, labels map[string]string) string {
	covers := func(pattern string) bool { return MatchPattern(pattern, id) }
	if len(p.DriverIDs) > 0 && !slices.ContainsFunc(p.DriverIDs, covers) {
		return fmt.Sprintf("the credential of %s does not cover this driver id; it covers %s", p.Name,
			strings.Join(p.DriverIDs, ", "))
	}
	missing := map[string]string{}
	for key, value := range p.Labels {
		if labels[key] != value {
			missing[key] = value
		}
	}
	if len(missing) > 0 {
		return fmt.Sprintf("drivers of %s must have the labels %s", p.Name, LabelText(missing))
	}
	return ""
}

// MatchPattern reports whether s matches a pattern, in which each * stands for any characters, or none.
func MatchPattern(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return s == pattern
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return strings.HasSuffix(rest, last)
}

// LabelText writes labels as key=value pairs, sorted by key.
func LabelText(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, key+"="+labels[key])
	}
	return strings.Join(pairs, ", ")
}

// ReservedName reports whether a name is reserved for the server's own actions.
func ReservedName(name string) bool {
	return strings.HasPrefix(name, "guard/") || strings.HasPrefix(name, "swarmcall/")
}

// Standing is what has become of a principal since it was identified.
type Standing string

// The standings.
const (
	StandingValid   Standing = "valid"
	StandingChanged Standing = "changed" // its credential was replaced, or its rights have changed: identify it again
	StandingExpired Standing = "expired"
	StandingRevoked Standing = "revoked" // there is no principal of this name any more
)

type principalKey struct{}

// WithPrincipal returns a context of a request of p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalOf returns who sent the request of a context; nobody if the context does not say.
func PrincipalOf(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}

type viaKey struct{}

// WithVia returns a context of a request that came in as via says.
func WithVia(ctx context.Context, via Via) context.Context {
	return context.WithValue(ctx, viaKey{}, via)
}

// ViaOf returns how the request of a context came in; nil if the context does not say.
func ViaOf(ctx context.Context) *Via {
	if via, ok := ctx.Value(viaKey{}).(Via); ok {
		return &via
	}
	return nil
}
