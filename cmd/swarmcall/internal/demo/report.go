package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/settings"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

// firstCommand sends one real command and prints its outcome.
func (d *demo) firstCommand(ctx context.Context) (client.Entry, error) {
	fprintf(d.Out, "Swarmcall demo: a server, %s and a local target to load.\n\n  server  %s   (log in %s)\n  target "+
		" %s\n\n",
		plural(d.Drivers, "driver"), d.url, d.DataDir, d.target.URL)
	fprintf(d.Out, "POST /commands  {\"submitter\": \"demo\", \"command\": {\"type\": \"set_players\", \"players\": "+
		"%d}}\n", d.Players)
	ctx, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	a, err := d.api.Issue(ctx, remote.Submission{
		Submitter: "demo", Command: remote.Command{Type: command.SetPlayers, Value: d.Players},
	}, remote.NewKey())
	if err != nil {
		return a.Value, d.firstFailed("the server refused the first command", err)
	}
	if !remote.Closed(a.Value) {
		if a, err = d.api.Outcome(ctx, a.Value.Seq, remote.OutcomeLimit(a.Value)); err != nil {
			return a.Value, d.firstFailed("the server did not report the outcome of the first command", err)
		}
	}
	printOutcome(d.Out, a.Value)
	return a.Value, nil
}

func (d *demo) firstFailed(what string, err error) error {
	return &clierr.Error{Code: clierr.Failed, What: what, Cause: clierr.Cause(err), Detail: d.server.log.last()}
}

// printOutcome prints what each driver answered, in order of driver id, and the verdict.
func printOutcome(w io.Writer, e client.Entry) {
	type row struct{ id, verdict, detail string }
	var rows []row
	if e.Acked != nil {
		for _, v := range *e.Acked {
			rows = append(rows, row{v.DriverId, "acked", fmt.Sprintf("in %.1f ms", v.LatencyMs)})
		}
	}
	for _, v := range e.Rejected {
		rows = append(rows, row{v.DriverId, "rejected", v.Code + ": " + v.Detail})
	}
	for _, v := range e.Missing {
		rows = append(rows, row{v.DriverId, "missing", string(v.Reason)})
	}
	for _, v := range remote.LeftOut(e) {
		rows = append(rows, row{v.DriverId, "left out", string(v.Reason)})
	}
	for _, v := range e.Superseded {
		rows = append(rows, row{v.DriverId, "superseded", "by a newer command, before it was sent"})
	}
	slices.SortFunc(rows, func(a, b row) int { return natural(a.id, b.id) })
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fprintf(table, "  %s\t%s\t%s\n", r.id, r.verdict, r.detail)
	}
	_ = table.Flush() // nothing can be done if the terminal was closed
	fprintf(w, "  %s\n", sentence(e))
}

// natural orders ids so that demo-2 comes before demo-10.
func natural(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// sentence summarises an outcome in one line.
func sentence(e client.Entry) string {
	var took float64
	if e.DurationMs != nil {
		took = *e.DurationMs
	}
	s := fmt.Sprintf("%s: %d of %d acked in %.1f ms, entry %d", e.Status, e.Counts.Acked, remote.Meant(e), took, e.Seq)
	for _, part := range []struct {
		n    int
		name string
	}{
		{e.Counts.Rejected, "rejected"}, {e.Counts.Superseded, "superseded"}, {e.Counts.Missing, "missing"},
		{remote.CountLeftOut(e), "left out"},
	} {
		if part.n > 0 {
			s += fmt.Sprintf(", %d %s", part.n, part.name)
		}
	}
	return s
}

// outcomeError returns an error with the exit code if the outcome is not complete.
func outcomeError(e client.Entry) error {
	code := verdict.Code(e, verdict.Allow{})
	if code == clierr.OK {
		return nil
	}
	return &clierr.Error{Code: code, What: "the first command was not acked by all", Cause: errors.New(sentence(e))}
}

// Hints returns example curl commands for the API of the server at url.
func Hints(url string) string {
	post := "curl -s " + url + "/commands -H content-type:application/json -d "
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, hint := range [][2]string{
		{"more load", post + `'{"command": {"type": "set_players", "players": 50}}'`},
		{"slower ramp", post + `'{"command": {"type": "set_spawn_delay_ms", "spawn_delay_ms": 200}}'`},
		{"stop", post + `'{"command": {"type": "stop"}}'`},
		{"commands", "curl -s " + url + "/commands"},
		{"drivers", "curl -s " + url + "/drivers"},
		{"dashboard", url + "/"},
	} {
		fprintf(table, "  %s\t%s\n", hint[0], hint[1])
	}
	_ = table.Flush() // writing to memory does not fail
	return b.String()
}

func (d *demo) printHints() {
	fprintf(d.Out, "\nContinue from another terminal; Ctrl-C here ends the demo.\n\n%s%s\n", exportURL(d.url),
		Hints(d.url))
}

// exportURL returns the line that makes swarmcall connect to this demo; "" if it does so by default.
func exportURL(url string) string {
	if url == settings.DefaultURL {
		return ""
	}
	return "For swarmcall in that terminal:\n\n  export SWARMCALL_URL=" + url + "\n\n"
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// fprintf ignores errors: nothing can be done if the terminal was closed.
func fprintf(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
