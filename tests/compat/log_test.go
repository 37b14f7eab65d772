package compat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

const keyed = `{"submitter": "ci", "command": {"type": "set_players", "players": 11}, "deadline_ms": 20000}`

// list prints all entries, oldest first.
var list = []string{"commands", "list", "--oldest", "--limit", "0", "-o", "jsonl"}

// written is a log that the old server wrote, and what the old version said of it.
type written struct {
	dir    string
	seq    uint64 // of the command with a key
	list   string // swarmcall commands list, before the end
	stream string // swarmcall commands export, before the end
	file   string // swarmcall log export
}

// writeLog makes the old server write every kind of record: commands of each type and outcome, a total that is split,
// keys, a late ack, and a reset that raises the epoch.
func writeLog(t *testing.T, old *release) written {
	t.Helper()
	w := written{dir: filepath.Join(t.TempDir(), "data")}
	s := old.serve(t, w.dir)
	drivers := old.drive(t, s.url, "d-1", "d-2", "d-3")
	old.must(t, s.url, "spawn-delay", "set", "10ms", "--note", "warm up")
	old.must(t, s.url, "players", "set", "10", "--total", "--label", "app=demo", "--submitter", "ci/total")
	e, _ := post(t, s.url, keyed, "Idempotency-Key: once")
	w.seq = e.Seq
	if got := old.run(t, s.url, "players", "set", "5001"); got.code != 5 {
		t.Fatalf("a command beyond the limits of the drivers: %+v", got)
	}
	drivers["d-2"].hang()
	late, _ := post(t, s.url, `{"command": {"type": "set_players", "players": 2}, "deadline_ms": 200}`)
	drivers["d-2"].wake()
	if late.Counts.Missing != 1 {
		t.Fatalf("with a driver that hangs: %+v", late)
	}
	if !within(func() bool { return entryOf(s.url, late.Seq).Counts.Late == 1 }) {
		t.Fatal("there is no late ack")
	}
	claim(t, s.url)
	old.must(t, s.url, "stop", "--driver", "d-1", "--driver", "d-3")
	w.list = old.must(t, s.url, list...).out
	w.stream = old.must(t, s.url, "commands", "export").out
	s.stop()
	w.file = old.must(t, "", "log", "export", "--data-dir", w.dir).out
	for _, part := range []string{
		`"event":"late"`, `"cause":"new log"`, `"split":[`, `"code":"over_local_limit"`, `"reason":"deadline"`,
	} {
		if !strings.Contains(w.file, part) {
			t.Errorf("the log has no %s:\n%s", part, w.file)
		}
	}
	if strings.Count(w.file, `"event":"reset"`) < 2 {
		t.Errorf("the log has no second reset:\n%s", w.file)
	}
	return w
}

// claim registers a driver that says it has applied more than the log holds, so that the old server raises the epoch.
func claim(t *testing.T, url string) {
	t.Helper()
	was := register(t, url, `{"type":"register","driver_id":"d-4"}`)
	is := register(t, url, `{"type":"register","driver_id":"d-4","log_id":"`+was+`","applied_seq":1000000}`)
	if was == "" || is == was {
		t.Fatalf("the log is still %s", was)
	}
}

// register registers a driver, returns the server's log id, and deregisters.
func register(t *testing.T, url, frame string) string {
	t.Helper()
	ws := dial(t, url)
	defer func() { _ = ws.CloseNow() }()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		t.Fatal(err)
	}
	_, b, err := ws.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var registered struct {
		LogID string `json:"log_id"`
	}
	if err := json.Unmarshal(b, &registered); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	_ = ws.Write(t.Context(), websocket.MessageText, []byte(`{"type":"deregister"}`))
	_, _, _ = ws.Read(t.Context()) // until the server closes
	return registered.LogID
}

func entryOf(url string, seq uint64) (e entry) {
	_ = get(url+"/commands/"+itoa(seq), &e)
	return e
}

// TestAnOldLog: the new server opens a log of the old one, shows it in the same words, and honours its idempotency
// keys.
func TestAnOldLog(t *testing.T) {
	old := oldRelease(t)
	w := writeLog(t, old)
	if got := newRelease.run(t, "", "log", "verify", "--data-dir", w.dir); got.code != 0 {
		t.Errorf("log verify: %+v", got)
	}
	sameLines(t, "log export", w.file, newRelease.must(t, "", "log", "export", "--data-dir", w.dir).out)
	s := newRelease.serve(t, w.dir)
	sameLines(t, "commands list", w.list, newRelease.must(t, s.url, list...).out)
	sameLines(t, "commands export", w.stream, newRelease.must(t, s.url, "commands", "export").out)
	sameLines(t, "commands export of the old command line", w.stream, old.must(t, s.url, "commands", "export").out)
	if e, replayed := post(t, s.url, keyed, "Idempotency-Key: once"); e.Seq != w.seq || !replayed {
		t.Errorf("the key leads to entry %d, replayed %v; want entry %d", e.Seq, replayed, w.seq)
	}
	old.drive(t, s.url, "d-1", "d-2", "d-3")
	newRelease.must(t, s.url, "players", "set", "1")
	s.stop()
	if got := newRelease.run(t, "", "log", "verify", "--data-dir", w.dir); got.code != 0 {
		t.Errorf("log verify after the new server: %+v", got)
	}
}

// TestABackupIsTheWayBack: a log of the old server is copied by the new command line before the upgrade. The old server
// opens the copy and continues.
func TestABackupIsTheWayBack(t *testing.T) {
	old := oldRelease(t)
	data, to := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backup")
	s := old.serve(t, data)
	old.drive(t, s.url, "d-1")
	old.must(t, s.url, "players", "set", "3")
	newRelease.must(t, "", "log", "backup", "--data-dir", data, "--to", to)
	was := old.must(t, s.url, "commands", "export").out
	s.stop()
	newer := newRelease.serve(t, data)
	newer.stop()
	back := old.serve(t, to)
	sameLines(t, "commands export", was, old.must(t, back.url, "commands", "export").out)
	old.drive(t, back.url, "d-2")
	old.must(t, back.url, "players", "set", "4")
	back.stop()
	if _, err := os.Stat(filepath.Join(to, "lost-epoch-2")); err == nil {
		t.Error("the old server had to give up records of the copy")
	}
}

// TestANewLogWithoutAnythingNew: as long as no record needs version 2, the old server opens the log of the new one.
func TestANewLogWithoutAnythingNew(t *testing.T) {
	old := oldRelease(t)
	data := filepath.Join(t.TempDir(), "data")
	s := newRelease.serve(t, data)
	old.drive(t, s.url, "d-1", "d-2")
	newRelease.must(t, s.url, "players", "set", "10", "--total")
	newRelease.must(t, s.url, "stop")
	s.stop()
	was := old.must(t, "", "log", "export", "--data-dir", data).out
	back := old.serve(t, data)
	sameLines(t, "commands export", was, old.must(t, back.url, "commands", "export").out)
}
