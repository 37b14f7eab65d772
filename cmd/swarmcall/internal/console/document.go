package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

func indented(w io.Writer, doc json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, doc, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := w.Write(SafeJSON(b.Bytes()))
	return err
}

func lines(w io.Writer, items []json.RawMessage) error {
	var b bytes.Buffer
	for _, item := range items {
		if err := json.Compact(&b, item); err != nil {
			return err
		}
		b.WriteByte('\n')
	}
	_, err := w.Write(SafeJSON(b.Bytes()))
	return err
}

// JSONLine writes one item as a line of JSON.
func JSONLine(w io.Writer, item json.RawMessage) error { return lines(w, []json.RawMessage{item}) }

// yamlOf parses the JSON as YAML, because JSON is also YAML; that keeps the order of the fields.
func yamlOf(w io.Writer, doc json.RawMessage) error {
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(safeYAML(string(doc))), &node); err != nil {
		return err
	}
	plainStyle(&node)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&node); err != nil {
		return err
	}
	_, err := io.WriteString(w, safeYAML(b.String()))
	return err
}

// safeYAML escapes what SafeJSON escapes. The encoder keeps characters that YAML takes for printable, such as those
// that change the order of text; plainStyle has left the quotes around strings that have them.
func safeYAML(s string) string {
	if !strings.ContainsFunc(s, unsafeInJSON) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !unsafeInJSON(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// plainStyle removes the braces. Strings lose their quotes where YAML does not need them; the encoder decides where.
func plainStyle(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		n.Style = 0
	} else if n.Style == yaml.DoubleQuotedStyle && Safe(n.Value) == n.Value {
		n.Style, n.Tag = 0, "!!str"
	}
	for _, child := range n.Content {
		plainStyle(child)
	}
}
