package view

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Commands is the page of commands.
type Commands struct {
	Rows     []CommandRow
	Filter   CommandFilter
	Older    string // URL, or ""
	Newest   string // URL of the first page, or "" when this is it
	LogDown  bool
	First    *FirstSteps
	PageSize int
	Ignored  []string // invalid filters of the URL, such as "status=missing"
}

// CommandFilter is the filter of the list; the URL contains it.
type CommandFilter struct {
	Submitter string
	Type      string
	Status    string
	Before    string
}

// PageOfCommands is how many commands a page lists.
const PageOfCommands = 50

// ReadCommandFilter reads a filter from a URL and ignores invalid values.
func ReadCommandFilter(q url.Values) CommandFilter {
	f := CommandFilter{
		Submitter: q.Get("submitter"), Type: q.Get("type"), Status: q.Get("status"), Before: q.Get("before"),
	}
	if !known(f.Type, command.Types()) {
		f.Type = ""
	}
	if !known(f.Status, swarm.Statuses()) {
		f.Status = ""
	}
	if n, err := strconv.ParseUint(f.Before, 10, 64); err != nil || n == 0 {
		f.Before = ""
	}
	return f
}

func known[T ~string](s string, all []T) bool {
	for _, t := range all {
		if string(t) == s {
			return true
		}
	}
	return false
}

// IgnoredFilters lists the values of a URL that ReadCommandFilter ignores.
func IgnoredFilters(q url.Values) (out []string) {
	f := ReadCommandFilter(q)
	for name, kept := range map[string]string{"type": f.Type, "status": f.Status, "before": f.Before} {
		if asked := q.Get(name); asked != kept {
			out = append(out, name+"="+asked)
		}
	}
	slices.Sort(out)
	return out
}

// Query returns the query of the log for this filter.
func (f CommandFilter) Query() swarm.Query {
	before, _ := strconv.ParseUint(f.Before, 10, 64) // 0 is no bound
	return swarm.Query{
		Submitter: f.Submitter, Type: command.Type(f.Type), Status: swarm.Status(f.Status), Before: before,
		Limit: PageOfCommands,
	}
}

// Set reports whether the filter narrows anything.
func (f CommandFilter) Set() bool { return f.Submitter != "" || f.Type != "" || f.Status != "" }

// URL is the page of this filter, from before a seq ("" from the newest).
func (f CommandFilter) URL(before string) string {
	return withQuery("/ui/commands", [2]string{"submitter", f.Submitter}, [2]string{"type", f.Type},
		[2]string{"status", f.Status}, [2]string{
			"before", before,
		})
}

// Export is the URL of the export, filtered by the submitter: the API has no other filter for exports.
func (f CommandFilter) Export() string {
	return withQuery("/commands/export", [2]string{"submitter", f.Submitter})
}

// ExportWords describes the content of the export.
func (f CommandFilter) ExportWords() string {
	if f.Submitter != "" {
		return "all of this submitter"
	}
	return "the whole log"
}

// NewCommands shows a page of the log.
func NewCommands(w World, f CommandFilter, p swarm.Page, err error, address string) Commands {
	c := Commands{Filter: f, LogDown: err != nil, PageSize: PageOfCommands}
	for _, e := range p.Entries {
		c.Rows = append(c.Rows, NewCommandRow(w, e))
	}
	if p.More && len(p.Entries) > 0 {
		c.Older = f.URL(strconv.FormatUint(p.Entries[len(p.Entries)-1].Seq, 10))
	}
	if f.Before != "" {
		c.Newest = f.URL("")
	}
	if len(c.Rows) == 0 && !f.Set() && f.Before == "" && err == nil {
		c.First = &FirstSteps{}
		c.First.Commands, c.First.CLI = firstCommand(address)
	}
	return c
}

// withQuery adds the pairs of name and value whose value is not empty.
func withQuery(path string, pairs ...[2]string) string {
	q := url.Values{}
	for _, p := range pairs {
		if p[1] != "" {
			q.Set(p[0], p[1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
