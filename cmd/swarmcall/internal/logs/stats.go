package logs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Figures are the statistics of a log.
type Figures struct {
	LogID           string  `json:"log_id"`
	Entries         int     `json:"entries"`
	Records         uint64  `json:"records"`
	LastPosition    uint64  `json:"last_position"`
	Files           int     `json:"files"` // 0 in NATS
	Bytes           int64   `json:"bytes"`
	BytesPerEntry   float64 `json:"bytes_per_entry"` // bytes of all records, divided by the entries
	Submitters      int     `json:"submitters"`
	Verdicts        int     `json:"verdicts"`
	BytesPerVerdict float64 `json:"bytes_per_verdict"` // bytes of the outcomes, divided by the verdicts
	FirstAt         string  `json:"first_at,omitempty"`
	LastAt          string  `json:"last_at,omitempty"`
}

// Stats prints the statistics of a log, as text or as JSON. If the log is damaged, it returns an error after
// the statistics of the remaining entries.
func Stats(ctx context.Context, from Source, asJSON bool, out io.Writer) error {
	var c counter
	r, err := from.scan(ctx, c.take)
	if err != nil {
		return err
	}
	f := c.figures(r)
	if asJSON {
		err = json.NewEncoder(out).Encode(f)
	} else {
		err = f.print(from, out)
	}
	if err != nil {
		return err
	}
	return damaged(from, r.Damage)
}

type counter struct {
	entries, verdicts int
	verdictBytes      int
	submitters        map[string]struct{}
	first, last       time.Time
}

func (c *counter) take(s logfile.Stored) {
	if c.first.IsZero() {
		c.first = s.At
	}
	c.last = s.At
	switch r := s.Record.(type) {
	case *swarm.Issued:
		c.entries++
		if c.submitters == nil {
			c.submitters = map[string]struct{}{}
		}
		c.submitters[r.Submitter] = struct{}{}
	case *swarm.Closed:
		c.verdicts += len(r.Verdicts)
		c.verdictBytes += s.Bytes
	}
}

func (c *counter) figures(r *logfile.Report) Figures {
	f := Figures{
		LogID: logName(r.LogID, r.Epoch), Entries: c.entries, Records: r.Records, LastPosition: r.Last, Files: r.Blocks,
		Bytes:      r.Bytes,
		Submitters: len(c.submitters), Verdicts: c.verdicts,
	}
	if c.entries > 0 {
		f.BytesPerEntry = float64(r.Bytes) / float64(c.entries)
	}
	if c.verdicts > 0 {
		f.BytesPerVerdict = float64(c.verdictBytes) / float64(c.verdicts)
	}
	if r.Records > 0 {
		f.FirstAt, f.LastAt = timestamp(c.first), timestamp(c.last)
	}
	return f
}

func (f Figures) print(from Source, out io.Writer) error {
	_, err := fmt.Fprintf(out, `log                %s
entries            %d
records            %d, up to position %d
bytes              %d in %s, %.1f per entry
submitters         %d
verdicts           %d, %.1f bytes each
first record       %s
last record        %s
`, f.LogID, f.Entries, f.Records, f.LastPosition, f.Bytes, where(from, f.Files), f.BytesPerEntry, f.Submitters,
		f.Verdicts, f.BytesPerVerdict, f.FirstAt, f.LastAt)
	return err
}

// where says what holds the bytes of a log.
func where(from Source, files int) string {
	if from.shared() {
		return from.String()
	}
	return fmt.Sprintf("%d files", files)
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
