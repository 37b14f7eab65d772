package migrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/natstest"
)

// TestTheLogOfAServer: what a server answers about its log, two nodes answer after the migration, byte for byte.
func TestTheLogOfAServer(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 1})
	cfg := servertest.Config(t)
	cfg.DataDir = makeLog(t, 700)
	s := servertest.Start(t, cfg)
	refused(t, migrate(cfg.DataDir, c.URLs()), "a server has the log in "+cfg.DataDir+" open", "stop the server")
	was := answers(t, s.URL)
	s.Stop()
	exported := ok(t, "log", "export", "--data-dir", cfg.DataDir)

	dry := ok(t, migrate(cfg.DataDir, c.URLs(), "--dry-run")...)
	if !strings.Contains(dry, "nothing written") || strings.Contains(dry, "verified") {
		t.Errorf("the dry run says\n%s", dry)
	}
	if _, err := jet(t, c.Connect(t, c.URLs())).Stream(t.Context(), logfile.StreamName); !errors.Is(err,
		jetstream.ErrStreamNotFound) {
		t.Fatalf("after a dry run: %v", err)
	}
	r := cli(t, "", migrate(cfg.DataDir, c.URLs(), "--json")...)
	var got struct {
		LogID        string `json:"log_id"`
		Records      uint64
		LastPosition uint64 `json:"last_position"`
		Copied       uint64
		There        uint64 `json:"already_there"`
		Verified     bool
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != 0 {
		t.Fatalf("code %d, %v\n%s%s", r.code, err, r.out, r.err)
	}
	lines := uint64(strings.Count(exported, "\n"))
	if got.Records != lines || got.LastPosition != lines || got.Copied != lines || got.There != 0 || !got.Verified ||
		got.LogID == "" {
		t.Errorf("it says %s, and the log has %d records", r.out, lines)
	}
	if !strings.Contains(r.err, "the stream has 1 replica") {
		t.Errorf("no warning of one server: %s", r.err)
	}
	again := ok(t, migrate(cfg.DataDir, c.URLs())...)
	if !strings.Contains(again, fmt.Sprintf("0 records; the stream had %d", lines)) {
		t.Errorf("a second time it says\n%s", again)
	}
	if ok(t, "log", "export", "--nats-url", c.URLs()) != exported {
		t.Error("the export of the stream is not that of the log")
	}
	for _, name := range []string{"a", "b"} {
		same(t, was, answers(t, node(t, c.URLs(), name).URL))
	}
	verified := ok(t, "log", "verify", "--nats-url", c.URLs())
	if !strings.Contains(verified, "log "+got.LogID) || !strings.Contains(verified, "ok: every hash") {
		t.Errorf("verify says\n%s", verified)
	}
	if stats := ok(t, "log", "stats", "--nats-url", c.URLs()); !strings.Contains(stats, "in the stream SWARMCALL") {
		t.Errorf("stats says\n%s", stats)
	}
}

// TestOpenEntries: a node closes what the server left open, and appends after the log.
func TestOpenEntries(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 1})
	dir := makeLog(t, 0)
	l, err := cmdlog.Open(t.Context(), cmdlog.Config{Dir: dir, Node: "local"})
	if err != nil {
		t.Fatal(err)
	}
	add(t, l, swarmtest.Issued("ci", "d-1"))
	seq := l.Last()
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ok(t, migrate(dir, c.URLs())...)
	s := node(t, c.URLs(), "a")
	entry := get(t, fmt.Sprintf("%s/commands/%d?wait_ms=20000", s.URL, seq))
	if strings.Contains(entry, `"status":"open"`) || !strings.Contains(entry, `"missing"`) {
		t.Errorf("the entry is %s", entry)
	}
	s.Stop()
	if out := ok(t, "log", "verify", "--nats-url", c.URLs()); !strings.Contains(out, "4 entries, 4 of them closed") {
		t.Errorf("verify says %s", out)
	}
	refused(t, migrate(dir, c.URLs()), "was already copied, and nodes have used it")
}

// TestKilled: the migration is killed after each of its batches. No node starts on a part of the log, and the next run
// continues.
func TestKilled(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 1})
	dir := makeLog(t, 1300)
	exported := ok(t, "log", "export", "--data-dir", dir)
	whole := uint64(strings.Count(exported, "\n"))
	for hit := 1; ; hit++ {
		r := cli(t, fmt.Sprintf("mid_migrate:%d", hit), migrate(dir, c.URLs())...)
		if r.code == 0 {
			if hit < 6 {
				t.Fatalf("only %d batches", hit-1)
			}
			break // it has fewer batches
		}
		if r.code != -1 {
			t.Fatalf("killed after batch %d: code %d\n%s", hit, r.code, r.err)
		}
		s, err := jet(t, c.Connect(t, c.URLs())).Stream(t.Context(), logfile.StreamName)
		if err != nil {
			t.Fatal(err)
		}
		at := s.CachedInfo().State.LastSeq
		_, err = cmdlog.Connect(t.Context(), cmdlog.Shared{Conn: c.Connect(t, c.URLs()), Node: "a", Replicas: 1})
		if at < whole && (err == nil || !strings.Contains(err.Error(), "run it again")) {
			t.Fatalf("a node on %d of %d records: %v", at, whole, err)
		}
		if at < whole {
			refused(t, []string{"log", "verify", "--nats-url", c.URLs()}, "this part is not there yet")
		}
		if out := ok(t, migrate(dir, c.URLs())...); !strings.Contains(out, fmt.Sprintf("the stream had %d of them", at)) {
			t.Errorf("continued after %d: %s", at, out)
		}
		if ok(t, "log", "export", "--nats-url", c.URLs()) != exported {
			t.Fatalf("killed after batch %d: the export differs", hit)
		}
		ok(t, "log", "verify", "--nats-url", c.URLs())
		fresh(t, c)
	}
}

// TestKilledAgainAndAgain: each run gets one batch further.
func TestKilledAgainAndAgain(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 1})
	dir := makeLog(t, 1300)
	for runs := 1; ; runs++ {
		r := cli(t, "mid_migrate:1", migrate(dir, c.URLs())...)
		if r.code == 0 {
			if runs < 6 {
				t.Errorf("it took only %d runs", runs)
			}
			break
		}
		if r.code != -1 || runs > 20 {
			t.Fatalf("run %d: code %d\n%s", runs, r.code, r.err)
		}
	}
	if ok(t, "log", "export", "--nats-url", c.URLs()) != ok(t, "log", "export", "--data-dir", dir) {
		t.Error("the export differs")
	}
}

// TestRefused: what cannot be kept is refused before anything is written.
func TestRefused(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 1})
	urls := c.URLs()
	good := makeLog(t, 0)
	damage := func(at int) string {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "jetstream/jetstream/$G/streams/SWARMCALL/msgs/1.blk")
		b, err := os.ReadFile(path)
		if err == nil {
			b[at] ^= 1
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	damaged := damage(900)
	refused(t, migrate(damaged, urls), "is damaged", "log verify --data-dir "+damaged, "nothing was copied")
	lossy := damaged
	l, err := cmdlog.Open(t.Context(), cmdlog.Config{Dir: lossy, Node: "local", AcceptLoss: true})
	if err == nil {
		err = l.Close(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	ok(t, "log", "verify", "--data-dir", lossy)
	refused(t, migrate(lossy, urls), "their loss was accepted", "positions 3 to 3", "log export")
	refused(t, migrate(t.TempDir(), urls), "there is no log in")
	none := jet(t, c.Connect(t, urls))
	if _, err := none.Stream(t.Context(), logfile.StreamName); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("a refusal created the stream: %v", err)
	}

	logStream(t, c, func(cfg *jetstream.StreamConfig) { cfg.MaxMsgSize = 8 << 10 })
	refused(t, migrate(good, urls), "record 8 has", "up to 4096", "max_payload to 8MB", "nothing was copied")
	fresh(t, c)
	logStream(t, c, func(cfg *jetstream.StreamConfig) { cfg.MaxBytes = 10 << 10 })
	refused(t, migrate(good, urls), "does not fit", "nats stream edit")
	fresh(t, c)
	logStream(t, c, func(cfg *jetstream.StreamConfig) { cfg.DenyDelete = false })
	refused(t, migrate(good, urls), "deny_delete")
	fresh(t, c)
	js := logStream(t, c)
	if _, err := js.Publish(t.Context(), logfile.Subject, []byte("something")); err != nil {
		t.Fatal(err)
	}
	refused(t, migrate(good, urls), "at position 1 it has 9 bytes with hash", "nats stream rm SWARMCALL")
	fresh(t, c)
	ok(t, migrate(makeLog(t, 0), urls)...)
	refused(t, migrate(good, urls), "the record that begins log")
	fresh(t, c)

	cli(t, "mid_migrate:1", migrate(good, urls)...)
	l, err = cmdlog.Open(t.Context(), cmdlog.Config{Dir: good, Node: "local"})
	if err != nil {
		t.Fatal(err)
	}
	add(t, l, swarmtest.Issued("ci", "d-1"))
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(t, migrate(good, urls), "to be copied, and the log has")
	c.Servers[0].Stop()
	if r := cli(t, "", migrate(good, urls)...); r.code != 8 {
		t.Errorf("without NATS: code %d\n%s", r.code, r.err)
	}
}

// TestVerifyFindsDamage: records that another client has written.
func TestVerifyFindsDamage(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 1})
	dir := makeLog(t, 0)
	codec, err := logfile.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer codec.Close()
	unchained, _, err := codec.Encode(swarmtest.Issued("ci", "d-1"), logfile.Sum{1})
	if err != nil {
		t.Fatal(err)
	}
	stranger := swarmtest.Closed(99, swarm.Verdict{Kind: swarm.Acked})
	stranger.Node = "new"
	outcome, _, err := codec.Encode(stranger, logfile.Sum{})
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), outcome...)
	flipped[len(flipped)-3] ^= 1
	part := nats.NewMsg(logfile.Subject)
	part.Data = outcome
	part.Header.Set("Swarmcall-Append", "x/y/1")
	part.Header.Set("Swarmcall-Records", "2")
	plain := func(data []byte) *nats.Msg { return &nats.Msg{Subject: logfile.Subject, Data: data} }
	for name, tc := range map[string]struct {
		messages []*nats.Msg
		want     string
	}{
		"a flipped byte":      {[]*nats.Msg{plain(flipped)}, "log record 11 is damaged: its hash does not match"},
		"another chain":       {[]*nats.Msg{plain(unchained)}, "log record 11 is damaged: it does not follow"},
		"no record":           {[]*nats.Msg{plain([]byte("x"))}, "does not begin with a record header"},
		"an unknown entry":    {[]*nats.Msg{plain(outcome)}, "closes entry 99, which is not open"},
		"a part of an append": {[]*nats.Msg{part, plain(unchained)}, "1 records of its append are missing at position 12"},
	} {
		ok(t, migrate(dir, c.URLs())...)
		js := jet(t, c.Connect(t, c.URLs()))
		for _, m := range tc.messages {
			if _, err := js.PublishMsg(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(name, func(t *testing.T) {
			refused(t, []string{"log", "verify", "--nats-url", c.URLs()}, "the log in the stream SWARMCALL is damaged",
				tc.want, "nats stream backup")
		})
		fresh(t, c)
	}
	refused(t, []string{"log", "verify", "--nats-url", c.URLs()}, "there is no log in the stream")
}
