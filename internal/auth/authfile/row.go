package authfile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/yamlfile"
)

// row is a Token with its place in the file.
type row struct {
	Token
	number, line int // number counts from 1
	broken       bool
	bad          *yamlfile.Faults
}

const allowedFields = "name, hash, role, scope, driver_ids, labels, expires"

// tokens reads the rows below the top mapping.
func tokens(root *yaml.Node, bad *yamlfile.Faults) []*row {
	var list *yaml.Node
	yamlfile.Fields(root, func(name string, value *yaml.Node) {
		switch name {
		case "tokens":
			list = value
		case "issuers", "login":
			bad.Add("line %d: %s (OpenID Connect) comes in a later version; remove it", value.Line, name)
		default:
			bad.Add("line %d: there is no field %s here; the file has only tokens", value.Line, yamlfile.Quoted(name))
		}
	})
	if list == nil || list.Kind == yaml.ScalarNode && list.Tag == "!!null" {
		bad.Add("%w", errNobody)
		return nil
	}
	if list.Kind != yaml.SequenceNode {
		bad.Add("line %d: tokens must be a list of rows, each of which begins with -", list.Line)
		return nil
	}
	switch n := len(list.Content); {
	case n == 0:
		bad.Add("line %d: %w", list.Line, errNobody)
	case n > MaxTokens:
		bad.Add("line %d: tokens has %d rows; at most %d are allowed", list.Line, n, MaxTokens)
		return nil
	}
	rows := make([]*row, 0, len(list.Content))
	for i, item := range list.Content {
		r := &row{number: i + 1, line: item.Line, bad: bad}
		r.read(item)
		rows = append(rows, r)
	}
	return rows
}

// called names the row in errors.
func (r *row) called() string {
	if r.Name == "" {
		return fmt.Sprintf("token %d", r.number)
	}
	if swarm.ValidSubmitter(r.Name) && !strings.Contains(r.Name, SecretPrefix) {
		return "token " + r.Name
	}
	return "token " + yamlfile.Quoted(r.Name)
}

func (r *row) fault(line int, format string, args ...any) {
	r.broken = true
	r.bad.Add("line %d, %s: %w", line, r.called(), fmt.Errorf(format, args...))
}

// read reads the fields of a row.
func (r *row) read(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.fault(n.Line, "a row must have the fields %s", allowedFields)
		return
	}
	if name := yamlfile.Field(n, "name"); name != nil {
		r.Name, _ = yamlfile.Text(name) // before the others, because their errors name the row
	}
	r.require(n)
	yamlfile.Fields(n, func(name string, value *yaml.Node) {
		switch name {
		case "name":
			r.readName(value)
		case "hash":
			r.readHashes(value)
		case "role":
			r.readRole(value)
		case "scope":
			r.Scope = r.readLabels(value, name, "every target")
		case "labels":
			r.Labels = r.readLabels(value, name, "any labels")
		case "driver_ids":
			r.readDriverIDs(value)
		case "expires":
			r.readExpires(value)
		default:
			r.fault(value.Line, "there is no field %s; a row has %s", yamlfile.Quoted(name), allowedFields)
		}
	})
	r.checkRole(n)
}

func (r *row) require(n *yaml.Node) {
	for _, want := range []struct{ name, fix string }{
		{"name", "give the row one"},
		{"hash", `add ["sha256:HEX"]; swarmcall token new makes it`},
		{"role", "add one of " + roleNames()},
	} {
		if yamlfile.Field(n, want.name) == nil {
			r.fault(n.Line, "%s is missing; %s", want.name, want.fix)
		}
	}
}

func (r *row) readName(n *yaml.Node) {
	if why := NameFault(r.Name); why != "" {
		r.fault(n.Line, "name %s", why)
	}
}

// NameFault returns why a token cannot have a name; "" if it can.
func NameFault(name string) string {
	switch {
	case name == "":
		return "is empty; the server shows it as the sender of commands"
	case strings.Contains(name, SecretPrefix):
		return "looks like a secret; choose one that the log may show"
	case !swarm.ValidSubmitter(name):
		return fmt.Sprintf("must begin with a letter or digit, and have only these and . _ : @ / - after it, "+
			"%d at most", swarm.MaxIDBytes)
	case swarm.ReservedName(name):
		return "begins with guard/ or swarmcall/, which are reserved for the server; choose another"
	case name == swarm.Anonymous:
		return "is anonymous, which stands for everybody on a server without authentication; choose another"
	}
	return ""
}

// readHashes reads a list of hashes, or one hash without a list.
func (r *row) readHashes(n *yaml.Node) {
	if _, one := yamlfile.Text(n); one {
		n = &yaml.Node{Kind: yaml.SequenceNode, Line: n.Line, Content: []*yaml.Node{n}}
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.fault(n.Line, `hash must be a list of one or two, such as ["sha256:HEX"]`)
		return
	}
	if len(n.Content) > MaxHashes {
		r.fault(n.Line, "hash has %d entries; at most %d are allowed, the secret in use and the next one",
			len(n.Content), MaxHashes)
		return
	}
	for _, item := range n.Content {
		s, ok := yamlfile.Text(item)
		hash, valid := parseHash(s)
		if !ok || !valid {
			r.fault(item.Line, "hash must be sha256: and 64 hex digits")
			continue
		}
		if slices.Contains(r.Hashes, hash) {
			r.fault(item.Line, "hash has the same value twice; remove one")
			continue
		}
		r.Hashes = append(r.Hashes, hash)
	}
}

func (r *row) readRole(n *yaml.Node) {
	s, _ := yamlfile.Text(n)
	r.Role = swarm.Role(s)
	if !slices.Contains(swarm.Roles(), r.Role) {
		r.fault(n.Line, "role is %s; it must be one of %s", yamlfile.Quoted(s), roleNames())
	}
}

func roleNames() string {
	var names []string
	for _, role := range swarm.Roles() {
		names = append(names, string(role))
	}
	return strings.Join(names, ", ")
}

// readLabels reads a mapping of labels. An empty one is refused, because it would mean everything.
func (r *row) readLabels(n *yaml.Node, name, otherwise string) map[string]string {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.fault(n.Line, "%s must have labels, such as {team: shop}; leave it out to allow %s", name, otherwise)
		return nil
	}
	labels := map[string]string{}
	yamlfile.Fields(n, func(key string, value *yaml.Node) {
		s, ok := yamlfile.Text(value)
		if !ok {
			r.fault(value.Line, "%s: the value of %s must be a text", name, yamlfile.Quoted(key))
		}
		labels[key] = s
	})
	faults := swarm.ValidateLabels(labels, name)
	slices.SortFunc(faults, func(a, b swarm.FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	for _, f := range faults {
		r.fault(n.Line, "%s %s", shown(f.Pointer), f.Detail)
	}
	return labels
}

// shown is a field's place in an error, unless it may have a secret.
func shown(pointer string) string {
	if strings.Contains(pointer, SecretPrefix) {
		return yamlfile.Quoted(pointer)
	}
	return pointer
}

func (r *row) readDriverIDs(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		r.fault(n.Line, `driver_ids must be a list of patterns, such as ["eu-*"]; leave it out to allow every id`)
		return
	}
	if len(n.Content) > MaxDriverIDs {
		r.fault(n.Line, "driver_ids has %d patterns; at most %d are allowed; use * for several ids", len(n.Content),
			MaxDriverIDs)
		return
	}
	for _, item := range n.Content {
		s, ok := yamlfile.Text(item)
		if !ok || !validPattern(s) {
			r.fault(item.Line, "driver_ids: %s cannot match the id of a driver: letters, digits and . _ : -, at most "+
				"%d, and * for any of them", yamlfile.Quoted(s), swarm.MaxIDBytes)
			continue
		}
		r.DriverIDs = append(r.DriverIDs, s)
	}
}

// validPattern reports whether a pattern can match the id of a driver. No id that is the name of a route has an x.
func validPattern(s string) bool { return swarm.ValidDriverID(strings.ReplaceAll(s, "*", "x")) }

func (r *row) readExpires(n *yaml.Node) {
	s, _ := yamlfile.Text(n)
	at, err := time.Parse(time.RFC3339, s)
	if err != nil || at.IsZero() {
		r.fault(n.Line, "expires must be a time with a zone, such as 2027-01-31T00:00:00Z; leave it out for never")
		return
	}
	r.Expires = at
}

// checkRole refuses fields that would have no effect for the role.
func (r *row) checkRole(n *yaml.Node) {
	refuse := func(name, why string) {
		if value := yamlfile.Field(n, name); value != nil {
			r.fault(value.Line, "%s %s; remove it", name, why)
		}
	}
	if r.Role == swarm.RoleDriver {
		refuse("scope", "is not for the role driver: labels and driver_ids bound what it may register")
		return
	}
	refuse("driver_ids", "is only for the role driver")
	refuse("labels", "is only for the role driver (scope bounds what others may command)")
}
