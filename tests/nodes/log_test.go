package nodes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats.go/jetstream"
)

// line is a record of the log, as the export shows it.
type line struct {
	ID        uint64
	Event     string
	Seq       uint64
	Submitter string
	Command   struct {
		Type    string
		Players int64
	}
	Cause   string
	LogID   string `json:"log_id"`
	Targets []string
	Acked   []struct {
		DriverID string `json:"driver_id"`
	}
	Missing []struct {
		DriverID string `json:"driver_id"`
		Reason   string
	}
}

// settled waits until every entry is closed, and every node exports the same. It returns the records.
func (c *cluster) settled() []line {
	c.t.Helper()
	var lines []line
	why := ""
	ok := within(patience, func() bool {
		lines, why = c.exports()
		return why == ""
	})
	if !ok {
		c.t.Fatalf("the log does not settle: %s", why)
	}
	return lines
}

// exports reads the export of each node; why says what is not settled.
func (c *cluster) exports() (lines []line, why string) {
	c.t.Helper()
	var first string
	for i, n := range c.nodes {
		text := n.client.text(c.t, "/commands/export")
		if i == 0 {
			first, lines = text, parse(c.t, text)
		} else if text != first {
			return nil, fmt.Sprintf("%s and %s export different records: %s", c.nodes[0].name, n.name,
				difference(first, text))
		}
	}
	open := map[uint64]bool{}
	for _, l := range lines {
		switch l.Event {
		case "issued":
			open[l.Seq] = true
		case "closed":
			delete(open, l.Seq)
		}
	}
	if len(open) > 0 {
		return nil, fmt.Sprintf("%d entries are open: %v", len(open), open)
	}
	return lines, ""
}

func difference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("%q and %q", as[i], bs[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(as), len(bs))
}

func parse(t *testing.T, export string) (lines []line) {
	t.Helper()
	for text := range strings.Lines(export) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		lines = append(lines, l)
	}
	return lines
}

// stored is a record in the stream. It is read from its bytes, without code of the log.
type stored struct {
	pos       uint64
	kind      byte // 1 issued, 2 closed
	Seq       uint64
	Submitter string
	Key       string
}

// stream reads the stream from NATS.
func (c *cluster) stream() (all []stored) {
	c.t.Helper()
	conn := c.nats.Connect(c.t, c.nats.URLs())
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		c.t.Fatal(err)
	}
	defer unzip.Close()
	s, err := js.Stream(ctx, "SWARMCALL")
	if err != nil {
		c.t.Fatal(err)
	}
	consumer, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		c.t.Fatal(err)
	}
	for last := s.CachedInfo().State.LastSeq; uint64(len(all)) < last; {
		batch, err := consumer.Fetch(500, jetstream.FetchMaxWait(time.Second))
		if err != nil {
			c.t.Fatal(err)
		}
		for m := range batch.Messages() {
			all = append(all, decode(c.t, m.Data(), unzip, uint64(len(all))+1))
		}
		if ctx.Err() != nil {
			c.t.Fatal(ctx.Err())
		}
	}
	return all
}

// decode reads a record: 72 bytes of header, and a body of JSON that may be compressed.
func decode(t *testing.T, b []byte, unzip *zstd.Decoder, pos uint64) stored {
	t.Helper()
	body := b[72:]
	if b[4]&1 != 0 {
		var err error
		if body, err = unzip.DecodeAll(body, nil); err != nil {
			t.Fatal(err)
		}
	}
	s := stored{pos: pos, kind: b[3]}
	if err := json.Unmarshal(body, &s); err != nil {
		t.Fatalf("position %d: %q: %v", pos, body, err)
	}
	return s
}

// checkStream checks what must be in the log once: outcomes and keys.
func (c *cluster) checkStream() {
	c.t.Helper()
	closed, keys := map[uint64]uint64{}, map[string]uint64{}
	for _, r := range c.stream() {
		switch r.kind {
		case 1:
			key := r.Submitter + "/" + r.Key
			if before, again := keys[key]; again && r.Key != "" {
				c.t.Errorf("the key %s is in the log at %d and %d", key, before, r.pos)
			}
			keys[key] = r.pos
		case 2:
			if before, again := closed[r.Seq]; again {
				c.t.Errorf("entry %d is closed at %d and %d", r.Seq, before, r.pos)
			}
			closed[r.Seq] = r.pos
		}
	}
}

// checkApplied compares what a driver has applied with the verdicts in the log, from a position on. exact says that the
// driver applies what it acks, and nothing else; otherwise acks may have been lost.
// others are processes with the same driver id.
func (r *recorder) checkApplied(t *testing.T, lines []line, exact bool, others ...*recorder) {
	t.Helper()
	targets, acked := map[uint64]bool{}, map[uint64]bool{}
	for _, l := range lines {
		switch l.Event {
		case "reset":
			targets[l.ID] = false
		case "issued":
			targets[l.Seq] = slices.Contains(l.Targets, r.id)
		case "closed":
			for _, a := range l.Acked {
				if a.DriverID == r.id {
					acked[l.Seq] = true
				}
			}
		}
	}
	newest := seen{}
	for _, s := range r.got() {
		again := s.desired && s.session > newest.session && s.seq == newest.seq
		if s.seq <= newest.seq && !again {
			t.Errorf("%s received %+v after %+v", r.id, s, newest)
		}
		newest = s
		target, logged := targets[s.seq]
		if !logged || !target && !s.desired && exact {
			t.Errorf("%s received %d, which is not in the log, or for others", r.id, s.seq)
		}
		if exact && !acked[s.seq] {
			t.Errorf("%s has applied %d, but the log does not say so", r.id, s.seq)
		}
		delete(acked, s.seq)
	}
	for _, other := range others {
		for _, s := range other.got() {
			delete(acked, s.seq)
		}
	}
	if len(acked) > 0 {
		t.Errorf("%s has not applied %v, but the log says so", r.id, acked)
	}
}

// same waits until all nodes give the same answer, apart from figures that change by themselves.
func (c *cluster) same(path string) {
	c.t.Helper()
	why := ""
	ok := within(patience, func() bool {
		first := steady(c.t, c.nodes[0].client.text(c.t, path))
		for _, n := range c.nodes[1:] {
			if other := steady(c.t, n.client.text(c.t, path)); other != first {
				why = fmt.Sprintf("%s\nand %s", first, other)
				return false
			}
		}
		return true
	})
	if !ok {
		c.t.Errorf("%s differs: %s", path, why)
	}
}

// steady returns a JSON document without figures that change by themselves.
func steady(t *testing.T, text string) string {
	t.Helper()
	var doc any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	drop(doc)
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func drop(doc any) {
	switch doc := doc.(type) {
	case map[string]any:
		delete(doc, "heartbeat_age_ms")
		delete(doc, "rtt_ms")
		for _, v := range doc {
			drop(v)
		}
	case []any:
		for _, v := range doc {
			drop(v)
		}
	}
}
