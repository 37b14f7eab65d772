package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/input"
)

// lines are the line numbers in a plan's file, by path, such as stages/0.
type lines map[string]int

// at returns the line of an error, or of the element around it.
func (l lines) at(err error, path ...string) error {
	for n := len(path); n > 0; n-- {
		if line, ok := l[strings.Join(path[:n], "/")]; ok {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
	return err
}

// scan finds the lines of a plan, and values that YAML would read as something else than they look like.
func scan(b []byte) (lines, error) {
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty; a plan needs at least stages")
	case err != nil:
		return nil, err
	}
	s := scanner{lines: lines{}}
	s.walk(&doc, nil)
	switch err := d.Decode(&more); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, err
	default:
		s.bad.add(true, "line %d: a second document begins here; a plan is one document, so move it to another "+
			"file", more.Line)
	}
	return s.lines, errors.Join(s.bad...)
}

type scanner struct {
	lines
	bad faults
}

func (s *scanner) walk(n *yaml.Node, path []string) {
	if len(path) > 0 {
		s.lines[strings.Join(path, "/")] = n.Line
	}
	switch n.Kind {
	case yaml.ScalarNode, yaml.AliasNode:
	case yaml.DocumentNode:
		s.walk(n.Content[0], path)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			s.walk(item, append(slices.Clip(path), strconv.Itoa(i)))
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if !slices.Contains(path, "labels") {
				s.number(key, n.Content[i+1])
			}
			s.walk(n.Content[i+1], append(slices.Clip(path), key))
		}
	}
}

// number refuses a value that looks like a number and would be read as another one: YAML's 010 is 8, and its reader
// truncates 1.5 to 1.
func (s *scanner) number(key string, n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if !slices.Contains([]string{"min_drivers", "retries", "drivers", "players", "total", "from", "to", "step"}, key) {
		return
	}
	tag := n.ShortTag()
	s.bad.add(n.Kind == yaml.ScalarNode && (tag == "!!float" || tag == "!!int" && !input.Decimal(n.Value)),
		"line %d: %s is %s; it must be a whole number, such as 10", n.Line, key, n.Value)
}
