package console

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Formats are the values of -o; auto is a table on a terminal, and plain lines elsewhere.
const (
	Auto  = "auto"
	Table = "table" // aligned, with a heading
	Wide  = "wide"  // with all columns
	JSON  = "json"  // one indented document
	JSONL = "jsonl" // one line per item
	YAML  = "yaml"
	Name  = "name" // identifiers of the items, one per line
)

// Enum lists the formats for the command line.
const Enum = "auto,table,wide,json,jsonl,yaml,name"

// Column is a column of a table.
type Column struct {
	Name   string
	Wide   bool // shown only by -o wide
	Narrow bool // not shown by -o wide, which has another column for it
}

// Rows is a list in all its formats.
type Rows struct {
	Columns []Column
	Cells   [][]string        // one row per item
	Names   []string          // identifier of each item
	Items   []json.RawMessage // each item as the server sent it
	Doc     json.RawMessage   // the whole document; nil: the list of items
}

// Print writes r to w.
func Print(w io.Writer, format string, r Rows) error {
	switch format {
	case JSON, YAML:
		doc := r.Doc
		if doc == nil {
			items := r.Items
			if items == nil {
				items = []json.RawMessage{}
			}
			var err error
			if doc, err = json.Marshal(items); err != nil {
				return err
			}
		}
		return Document(w, format, doc)
	case JSONL:
		return lines(w, r.Items)
	case Name:
		_, err := io.WriteString(w, joined(r.Names))
		return err
	case Auto:
		if !IsTTY(w) {
			return tabSeparated(w, r)
		}
	}
	return table(w, r, format == Wide)
}

// Document writes a JSON document as JSON or YAML.
func Document(w io.Writer, format string, doc json.RawMessage) error {
	if format == YAML {
		return yamlOf(w, doc)
	}
	return indented(w, doc)
}

func joined(names []string) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString(Safe(n) + "\n")
	}
	return b.String()
}

// tabSeparated writes the cells of a table without heading, with one tab between cells, for cut and awk.
func tabSeparated(w io.Writer, r Rows) error {
	var b strings.Builder
	for _, row := range r.Cells {
		b.WriteString(strings.Join(visible(r.Columns, row, false), "\t") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func table(w io.Writer, r Rows, wide bool) error {
	heading := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		heading[i] = c.Name
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{heading}, r.Cells...) {
		if _, err := fmt.Fprintln(t, strings.Join(visible(r.Columns, row, wide), "\t")); err != nil {
			return err
		}
	}
	return t.Flush()
}

// visible returns the cells to show, safe for a terminal and never empty, so that columns can be counted.
func visible(columns []Column, row []string, wide bool) []string {
	var cells []string
	for i, cell := range row {
		if columns[i].Wide && !wide || columns[i].Narrow && wide {
			continue
		}
		if cell == "" {
			cell = "-"
		}
		cells = append(cells, Safe(cell))
	}
	return cells
}
