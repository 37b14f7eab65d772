package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

type commandsWatchCmd struct {
	Submitter string            `help:"Only entries of this submitter." placeholder:"NAME"`
	Label     map[string]string `help:"Only commands that may target drivers with this label; repeat to require several labels." placeholder:"KEY=VALUE" mapsep:"none"`
	After     string            `help:"Start after this position of the log; 0 for the beginning; default: now." placeholder:"N"`
	Count     int               `help:"Exit after N records; 0 for never." placeholder:"N"`
	connection
	output
}

// errEnough ends the stream.
var errEnough = errors.New("enough")

// Run prints one line per record until it is interrupted, which is not a failure.
func (c *commandsWatchCmd) Run(ctx context.Context, s streams) error {
	server, err := c.dial(s, "")
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	if err := c.heading(s.out); err != nil {
		return err
	}
	seen := 0
	opened := func() { server.line.Say("watching %s; press Ctrl-C to end", server.Server()) }
	err = server.Watch(ctx, c.Submitter, c.After, opened, func(e remote.Event) error {
		if !c.shows(e) || !c.concerns(e) {
			return nil
		}
		if err := c.print(s.out, e); err != nil {
			return err
		}
		if seen++; seen == c.Count {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// watchForm is a row for people: time, event, description.
const watchForm = "%-19s  %-6s  %s\n"

// heading prints the first line of -o table.
func (c *commandsWatchCmd) heading(w io.Writer) error {
	if f := c.format(); f != console.Table && f != console.Wide {
		return nil
	}
	_, err := fmt.Fprintf(w, watchForm, "TIME", "EVENT", "WHAT")
	return err
}

// shows reports whether an event is printed. Documents are printed as the server sends them; for people, events that
// only a newer server has are skipped.
func (c *commandsWatchCmd) shows(e remote.Event) bool {
	switch c.format() {
	case console.JSONL, console.JSON, console.YAML:
		return true
	}
	return slices.Contains([]string{"issued", "closed", "late", "reset", "gap", "expired"}, e.Name)
}

// concerns reports whether the labels select an event. An event without a target concerns all drivers.
func (c *commandsWatchCmd) concerns(e remote.Event) bool {
	var of struct{ Target api.Target }
	if len(c.Label) == 0 || json.Unmarshal([]byte(e.Data), &of) != nil {
		return true
	}
	return remote.MayShare(of.Target, c.Label)
}

// print writes one event: as a document, or as a line for people.
func (c *commandsWatchCmd) print(w io.Writer, e remote.Event) error {
	id := e.ID
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		id = "0"
	}
	document := fmt.Appendf(nil, `{"id":%s,"event":%q,"data":%s}`, id, e.Name, e.Data)
	switch f := c.format(); f {
	case console.JSONL:
		return console.JSONLine(w, document)
	case console.JSON:
		return console.Document(w, f, document)
	case console.YAML:
		if _, err := io.WriteString(w, "---\n"); err != nil {
			return err
		}
		return console.Document(w, f, document)
	case console.Name:
		_, err := fmt.Fprintln(w, id)
		return err
	case console.Auto:
		if !console.IsTTY(w) {
			_, err := fmt.Fprintf(w, "%s\t%s\t%s\n", eventTime(e), console.Safe(e.Name), console.Safe(eventText(e)))
			return err
		}
	}
	_, err := fmt.Fprintf(w, watchForm, eventTime(e), console.Safe(e.Name), console.Safe(eventText(e)))
	return err
}

// eventTime returns when the event happened, by the server's clock; "-" if the event does not have a time.
func eventTime(e remote.Event) string {
	var entry remote.Entry
	if json.Unmarshal([]byte(e.Data), &entry) != nil {
		return "-"
	}
	switch {
	case e.Name == "issued":
		return entry.SubmittedAt.Local().Format(time.DateTime)
	case entry.ClosedAt != nil:
		return entry.ClosedAt.Local().Format(time.DateTime)
	case e.Name == "expired":
		var x expired
		if json.Unmarshal([]byte(e.Data), &x) == nil && !x.At.IsZero() {
			return x.At.Local().Format(time.DateTime)
		}
	}
	return "-"
}

// expired is the event of a load command that no longer holds, because no known driver has matched its target for a
// while.
type expired struct {
	Seq      int64      `json:"seq"`
	Replaced int64      `json:"replaced"`
	Target   api.Target `json:"target"`
	Cause    string     `json:"cause"`
	At       time.Time  `json:"at"`
}

func expiredText(data string) string {
	var x expired
	if json.Unmarshal([]byte(data), &x) != nil {
		return data
	}
	return fmt.Sprintf("entry %d no longer holds for %s: %s; drivers that reconnect are stopped",
		x.Replaced, cmp.Or(remote.TargetText(x.Target), "all drivers"), cmp.Or(x.Cause, "no known driver matches it"))
}

// eventText describes an event in one line.
func eventText(e remote.Event) string {
	var entry remote.Entry
	if json.Unmarshal([]byte(e.Data), &entry) != nil {
		return e.Data
	}
	switch e.Name {
	case "issued":
		to := verdict.Drivers(entry.Counts.Targeted)
		if left := remote.LeftOutText(entry); left != "" {
			to += ", " + left
		}
		return fmt.Sprintf("%s: %s to %s%s (entry %d)", entry.Submitter, remote.CommandOf(entry), to, of(entry),
			entry.Seq)
	case "expired":
		return expiredText(e.Data)
	case "closed":
		return entry.Submitter + ": " + verdict.Sentence(entry) + of(entry)
	case "late":
		text := fmt.Sprintf("entry %d:", entry.Seq)
		for _, l := range entry.Late {
			text += fmt.Sprintf(" %s %s after %.0f ms", l.DriverId, l.Status, l.LatencyMs)
		}
		return text
	}
	return cmp.Or(e.Data, e.Name)
}

// of names the drivers of an entry, unless it is for all.
func of(e remote.Entry) string {
	if remote.TargetText(e.Target) == "" {
		return ""
	}
	return " of " + remote.TargetBrief(e.Target)
}
