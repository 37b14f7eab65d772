package authfile

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/swarmcall/swarmcall/internal/yamlfile"
)

// splice is a change of the text in two ways. inLines changes only the lines that it must; it returns false for a
// layout that it does not know. inNodes changes the nodes, whatever the layout.
type splice interface {
	inLines(p *page, tokens *yaml.Node) bool
	inNodes(tokens *yaml.Node)
}

// page is the text of a file by lines, each with its line end.
type page struct{ lines []string }

func (p *page) text() []byte { return []byte(strings.Join(p.lines, "")) }

// line returns a line, counted from 1, without its end; "" if there is none.
func (p *page) line(n int) string {
	if n < 1 || n > len(p.lines) {
		return ""
	}
	return strings.TrimRight(p.lines[n-1], "\r\n")
}

// end is the line end that the file uses.
func (p *page) end() string {
	if strings.HasSuffix(p.lines[0], "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// insert adds a line after line n.
func (p *page) insert(n int, line string) {
	if !strings.HasSuffix(p.lines[n-1], "\n") {
		p.lines[n-1] += p.end()
	}
	p.lines = slices.Insert(p.lines, n, line+p.end())
}

// remove deletes the lines from first to last.
func (p *page) remove(first, last int) { p.lines = slices.Delete(p.lines, first-1, last) }

// cut replaces the bytes from one place of line n to another.
func (p *page) cut(n, from, to int, by string) {
	p.lines[n-1] = p.lines[n-1][:from] + by + p.lines[n-1][to:]
}

// span returns where the text of a scalar is in its line. ok is false if it is written in an unusual way.
func (p *page) span(n *yaml.Node) (from, to int, ok bool) {
	source := n.Value
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		source = `"` + source + `"`
	case n.Style&yaml.SingleQuotedStyle != 0:
		source = "'" + source + "'"
	}
	line := []rune(p.line(n.Line))
	if n.Column < 1 || n.Column > len(line) {
		return 0, 0, false
	}
	from = len(string(line[:n.Column-1]))
	to = from + len(source)
	return from, to, strings.HasPrefix(p.line(n.Line)[from:], source)
}

// dash returns what is before an item of a list on its line, if that is only indentation and the dash.
func (p *page) dash(item *yaml.Node) (before string, ok bool) {
	line := []rune(p.line(item.Line))
	if item.Column < 1 || item.Column > len(line) {
		return "", false
	}
	before = string(line[:item.Column-1])
	return before, strings.TrimSpace(before) == "-"
}

// lastLine returns the line where the last value of a node begins.
func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, child := range n.Content {
		last = max(last, lastLine(child))
	}
	return last
}

func flow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// newNode returns the node of a text in flow style.
func newNode(text string) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		panic(err) // it is our own text
	}
	return doc.Content[0]
}

type rowAdded struct{ Token }

func addRow(t Token) splice { return rowAdded{t} }

func (a rowAdded) inLines(p *page, tokens *yaml.Node) bool {
	last := tokens.Content[len(tokens.Content)-1]
	before, ok := p.dash(last)
	if flow(tokens) || !ok {
		return false
	}
	indent := before[:strings.Index(before, "-")]
	p.insert(lastLine(last), indent+"- "+rowText(a.Token))
	return true
}

func (a rowAdded) inNodes(tokens *yaml.Node) {
	tokens.Content = append(tokens.Content, newNode(rowText(a.Token)))
}

type rowRemoved struct{ row int }

func removeRow(row int) splice { return rowRemoved{row} }

func (r rowRemoved) inLines(p *page, tokens *yaml.Node) bool {
	n := tokens.Content[r.row]
	if _, ok := p.dash(n); flow(tokens) || !ok {
		return false
	}
	first := n.Line
	for strings.HasPrefix(strings.TrimSpace(p.line(first-1)), "#") && first-1 > tokens.Line-1 {
		first--
	}
	p.remove(first, lastLine(n))
	return true
}

func (r rowRemoved) inNodes(tokens *yaml.Node) {
	tokens.Content = slices.Delete(tokens.Content, r.row, r.row+1)
}

type hashAdded struct {
	row  int
	hash [32]byte
}

func addHash(row int, hash [32]byte) splice { return hashAdded{row, hash} }

func (a hashAdded) inLines(p *page, tokens *yaml.Node) bool {
	hashes := yamlfile.Field(tokens.Content[a.row], "hash")
	if hashes.Kind != yaml.SequenceNode {
		return false // one hash without a list
	}
	item := hashes.Content[0]
	if flow(hashes) {
		_, to, ok := p.span(item)
		if ok {
			p.cut(item.Line, to, to, ", "+quote(hashText(a.hash)))
		}
		return ok
	}
	before, ok := p.dash(item)
	if ok {
		p.insert(item.Line, before+quote(hashText(a.hash)))
	}
	return ok
}

func (a hashAdded) inNodes(tokens *yaml.Node) {
	hashes := yamlfile.Field(tokens.Content[a.row], "hash")
	if hashes.Kind != yaml.SequenceNode {
		one := *hashes
		*hashes = yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{&one}}
	}
	hashes.Content = append(hashes.Content, newNode(quote(hashText(a.hash))))
}

type hashRemoved struct{ row, at int }

func removeHash(row, at int) splice { return hashRemoved{row, at} }

func (r hashRemoved) inLines(p *page, tokens *yaml.Node) bool {
	hashes := yamlfile.Field(tokens.Content[r.row], "hash")
	first, second := hashes.Content[0], hashes.Content[1]
	if !flow(hashes) {
		item := hashes.Content[r.at]
		_, ok := p.dash(item)
		if ok {
			p.remove(item.Line, item.Line)
		}
		return ok
	}
	from, to, ok := p.span(first)
	from2, to2, ok2 := p.span(second)
	if !ok || !ok2 || first.Line != second.Line {
		return false
	}
	if r.at == 0 {
		p.cut(first.Line, from, from2, "")
	} else {
		p.cut(first.Line, to, to2, "")
	}
	return true
}

func (r hashRemoved) inNodes(tokens *yaml.Node) {
	hashes := yamlfile.Field(tokens.Content[r.row], "hash")
	hashes.Content = slices.Delete(hashes.Content, r.at, r.at+1)
}

// renode writes a text again from its YAML nodes, with a change.
func renode(text []byte, s splice) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	s.inNodes(yamlfile.Field(doc.Content[0], "tokens"))
	var b strings.Builder
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&doc); err != nil {
		return nil, err
	}
	return []byte(b.String()), e.Close()
}
