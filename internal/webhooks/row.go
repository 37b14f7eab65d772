package webhooks

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/yamlfile"
)

// row is a hook with its place in the file.
type row struct {
	hook
	number, line int // number counts from 1
	bad          *yamlfile.Faults
}

const allowedFields = "name, url, secret, events, labels"

// rowsOf reads the rows below the top mapping. An empty list is valid: it ends all deliveries.
func rowsOf(root *yaml.Node, bad *yamlfile.Faults) (rows []*row) {
	list := yamlfile.Field(root, "webhooks")
	yamlfile.Fields(root, func(name string, value *yaml.Node) {
		if name != "webhooks" {
			bad.Add("line %d: there is no field %s here; the file has only webhooks", value.Line, yamlfile.Quoted(name))
		}
	})
	switch {
	case list == nil:
		bad.Add("line %d: the file must begin with %s", root.Line, begins)
		return nil
	case list.Kind != yaml.SequenceNode:
		bad.Add("line %d: webhooks must be a list of rows, each of which begins with -; without webhooks it is []",
			list.Line)
		return nil
	case len(list.Content) > maxHooks:
		bad.Add("line %d: webhooks has %d rows; at most %d are allowed", list.Line, len(list.Content), maxHooks)
		return nil
	}
	for i, item := range list.Content {
		r := &row{number: i + 1, line: item.Line, bad: bad}
		r.read(item)
		rows = append(rows, r)
	}
	return rows
}

// called names the row in errors.
func (r *row) called() string {
	switch {
	case r.name == "":
		return fmt.Sprintf("webhook %d", r.number)
	case validName(r.name):
		return "webhook " + r.name
	}
	return "webhook " + yamlfile.Quoted(r.name)
}

func (r *row) fault(line int, format string, args ...any) {
	r.bad.Add("line %d, %s: %w", line, r.called(), fmt.Errorf(format, args...))
}

// read reads the fields of a row.
func (r *row) read(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.fault(n.Line, "a row must have the fields %s", allowedFields)
		return
	}
	if name := yamlfile.Field(n, "name"); name != nil {
		r.name, _ = yamlfile.Text(name) // before the others, because their errors name the row
	}
	for _, want := range []struct{ name, fix string }{
		{"name", "give the row one; the server remembers by it what was delivered"},
		{"url", "add the address that gets the requests"},
		{"secret", "add whsec_ and 32 random bytes in base64; openssl rand -base64 32 makes them"},
	} {
		if yamlfile.Field(n, want.name) == nil {
			r.fault(n.Line, "%s is missing; %s", want.name, want.fix)
		}
	}
	yamlfile.Fields(n, func(name string, value *yaml.Node) {
		switch name {
		case "name":
			r.checkName(value)
		case "url":
			r.readURL(value)
		case "secret":
			r.readSecrets(value)
		case "events":
			r.readEvents(value)
		case "labels":
			r.readLabels(value)
		default:
			r.fault(value.Line, "there is no field %s; a row has %s", yamlfile.Quoted(name), allowedFields)
		}
	})
}

// validName reports whether a hook may have a name, which logs and metrics show.
func validName(s string) bool { return swarm.ValidDriverID(s) && !strings.Contains(s, secretPrefix) }

func (r *row) checkName(n *yaml.Node) {
	if !validName(r.name) {
		r.fault(n.Line, "name must begin with a letter or digit, and have only these and . _ : - after it, %d at most",
			swarm.MaxIDBytes)
	}
}

// readURL reads the address. Its errors do not show it: many addresses have a secret.
func (r *row) readURL(n *yaml.Node) {
	s, _ := yamlfile.Text(n)
	u, err := url.Parse(s)
	switch {
	case len(s) > maxURLBytes:
		r.fault(n.Line, "url has %d bytes; at most %d are allowed", len(s), maxURLBytes)
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		r.fault(n.Line, "url must be an address such as https://hooks.example.com/swarmcall")
	case u.Fragment != "" || strings.HasSuffix(s, "#"):
		r.fault(n.Line, "url must not have a fragment (#), which no request has")
	default:
		r.url = u
	}
}

// readSecrets reads one secret, or a list of one or two.
func (r *row) readSecrets(n *yaml.Node) {
	items := n.Content
	if _, one := yamlfile.Text(n); one {
		items = []*yaml.Node{n}
	}
	if n.Kind == yaml.MappingNode || len(items) == 0 || len(items) > maxSecrets {
		r.fault(n.Line, "secret must be one, or a list of two while you replace it")
		return
	}
	for _, item := range items {
		s, _ := yamlfile.Text(item)
		secret, why := parseSecret(s)
		if why != "" {
			r.fault(item.Line, "secret %s", why)
			continue
		}
		r.secrets = append(r.secrets, secret)
	}
}

func (r *row) readEvents(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.fault(n.Line, "events must be a list, such as [%s]; leave it out for all events", commandIssued)
		return
	}
	for _, item := range n.Content {
		s, _ := yamlfile.Text(item)
		family, _, _ := strings.Cut(s, ".")
		switch {
		case slices.Contains(eventNames(), s):
			r.events = append(r.events, s)
		case slices.Contains([]string{"run", "guard", "restriction"}, family):
			r.fault(item.Line, "events: %s comes in a later version; remove it", yamlfile.Quoted(s))
		default:
			r.fault(item.Line, "events: there is no event %s; the events are %s", yamlfile.Quoted(s),
				strings.Join(eventNames(), ", "))
		}
	}
}

func (r *row) readLabels(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.fault(n.Line, "labels must be labels, such as {team: shop}; leave it out for all commands")
		return
	}
	labels := map[string]string{}
	yamlfile.Fields(n, func(key string, value *yaml.Node) {
		s, ok := yamlfile.Text(value)
		if !ok {
			r.fault(value.Line, "labels: the value of %s must be a text", yamlfile.Quoted(key))
		}
		labels[key] = s
	})
	faults := swarm.ValidateLabels(labels, "labels")
	slices.SortFunc(faults, func(a, b swarm.FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	for _, f := range faults {
		where := f.Pointer
		if strings.Contains(where, secretPrefix) {
			where = "labels"
		}
		r.fault(n.Line, "%s %s", where, f.Detail)
	}
	if len(labels) > 0 {
		r.labels = labels
	}
}
