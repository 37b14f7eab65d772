package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrEmpty says that a file has no content.
var ErrEmpty = errors.New("the file is empty")

// Root returns the top mapping of the one document in b, or ErrEmpty. must says in an error how a file begins. The
// decoder of structs is not used, because its errors have no names of rows, and because it expands aliases.
func Root(b []byte, must string) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, ErrEmpty
	case err != nil:
		return nil, inWords(err)
	}
	var bad Faults
	checkNodes(&doc, &bad)
	switch err := d.Decode(&more); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, inWords(err)
	default:
		bad.Add("line %d: a second document begins here; remove it: the file is one document", more.Line)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
			return nil, ErrEmpty
		}
		bad.Add("line %d: the file must begin with %s", root.Line, must)
	}
	return root, bad.Err()
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
	if mayBeSecret(text) {
		text = "it is not valid YAML"
	}
	return errors.New(text)
}

// checkNodes refuses what makes the meaning of a file differ from its look. Without aliases, a small file cannot become
// a large one either.
func checkNodes(n *yaml.Node, bad *Faults) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		bad.Add("line %d: anchors (&) and aliases (*) are not allowed; write the value out", n.Line)
		return
	}
	if n.Style&yaml.TaggedStyle != 0 {
		bad.Add("line %d: tags (!) are not allowed; write the plain value", n.Line)
	}
	if n.Kind == yaml.MappingNode {
		checkKeys(n, bad)
	}
	for _, child := range n.Content {
		checkNodes(child, bad)
	}
}

// checkKeys refuses duplicate keys.
func checkKeys(n *yaml.Node, bad *Faults) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			bad.Add("line %d: a field's name must be a word", key.Line)
			continue
		}
		if line, twice := seen[key.Value]; twice {
			bad.Add("line %d: %s is given twice, first on line %d; remove one", key.Line, Quoted(key.Value), line)
		}
		seen[key.Value] = key.Line
	}
}
