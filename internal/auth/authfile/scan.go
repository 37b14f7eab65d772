package authfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

var errNobody = errors.New("there are no tokens, so nobody could use the server; make one: swarmcall token new")

// scan returns the top mapping of the one document in b. The decoder of structs is not used, because its errors have no
// names of rows, and because it expands aliases.
func scan(b []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, errNobody
	case err != nil:
		return nil, inWords(err)
	}
	var bad faults
	checkNodes(&doc, &bad)
	switch err := d.Decode(&more); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, inWords(err)
	default:
		bad.add("line %d: a second document begins here; remove it: the file is one document", more.Line)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
			return nil, errNobody
		}
		bad.add("line %d: the file must begin with tokens:, and a list of rows below it", root.Line)
	}
	return root, bad.err()
}

// inWords adds what the library's message does not say. A pattern that begins with * must be in quotes, else it is an
// alias.
func inWords(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.Contains(text, "anchor") || strings.Contains(text, "alphabetic or numeric character") {
		// the library would show the word
		line, _, _ := strings.Cut(text, ": ")
		if !strings.HasPrefix(line, "line ") {
			line = "the file"
		}
		return fmt.Errorf("%s: put words that begin with * or & in quotes, such as %q", line, "*-eu")
	}
	if strings.Contains(text, SecretPrefix) {
		text = "it is not valid YAML"
	}
	return errors.New(text)
}

// checkNodes refuses what makes the meaning of a file differ from its look. Without aliases, a small file cannot become
// a large one either.
func checkNodes(n *yaml.Node, bad *faults) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		bad.add("line %d: anchors (&) and aliases (*) are not allowed; write the value out", n.Line)
		return
	}
	if n.Style&yaml.TaggedStyle != 0 {
		bad.add("line %d: tags (!) are not allowed; write the plain value", n.Line)
	}
	if n.Kind == yaml.MappingNode {
		checkKeys(n, bad)
	}
	for _, child := range n.Content {
		checkNodes(child, bad)
	}
}

// checkKeys refuses duplicate keys.
func checkKeys(n *yaml.Node, bad *faults) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			bad.add("line %d: a field's name must be a word", key.Line)
			continue
		}
		if line, twice := seen[key.Value]; twice {
			bad.add("line %d: %s is given twice, first on line %d; remove one", key.Line, quoted(key.Value), line)
		}
		seen[key.Value] = key.Line
	}
}

// fields calls each for the fields of a mapping. It stops at no error: all of them are wanted.
func fields(n *yaml.Node, each func(name string, value *yaml.Node)) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		each(n.Content[i].Value, n.Content[i+1])
	}
}

// field returns the value of a field; nil if it is not there.
func field(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// text returns the value of a scalar as it is written; ok is false for anything else, and for null.
func text(n *yaml.Node) (s string, ok bool) {
	return n.Value, n.Kind == yaml.ScalarNode && n.Tag != "!!null"
}
