package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/logs"
)

// golden copies a golden log of the server, for tests that damage it.
func golden(t *testing.T, name string) (dir, block string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("../../internal/cmdlog/testdata", name))); err != nil {
		t.Fatal(err)
	}
	return dir, filepath.Join(dir, "jetstream/jetstream/$G/streams/SWARMCALL/msgs/1.blk")
}

func change(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLogVerify(t *testing.T) {
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 1; return b }
	}
	for name, tc := range map[string]struct {
		log   string
		block func([]byte) []byte
		mark  func([]byte) []byte
		code  clierr.Code
		out   string
		err   string
	}{
		"whole":         {"log-v1", nil, nil, clierr.OK, "ok: every checksum", ""},
		"accepted loss": {"log-v1-loss", nil, nil, clierr.OK, "accepted as lost: positions 3 to 3", ""},
		"flipped":       {"log-v1", flip(500), nil, clierr.Failed, "3 entries", "msgs/1.blk at byte "},
		"cut": {"log-v1", func(b []byte) []byte { return b[:len(b)-3] }, nil, clierr.Failed, "",
			"log record 9 is damaged"},
		"one slot of the mark": {"log-v1", nil, flip(20), clierr.OK, "harmless: slot 1 of the mark", ""},
		"torn end": {"log-v1", func(b []byte) []byte { return append(b, "half a record"...) }, nil, clierr.OK,
			"the last 13 bytes", ""},
	} {
		dir, block := golden(t, tc.log)
		if tc.block != nil {
			change(t, block, tc.block)
		}
		if tc.mark != nil {
			change(t, filepath.Join(dir, "mark"), tc.mark)
		}
		code, out, err := call(t, "log", "verify", "--data-dir", dir)
		if code != tc.code || !strings.Contains(out, tc.out) || !strings.Contains(err, tc.err) ||
			(tc.err == "") != (err == "") {
			t.Errorf("%s: code %d, want %d with %q and %q\n%s%s", name, code, tc.code, tc.out, tc.err, out, err)
		}
	}
}

func TestLogOfARunningServer(t *testing.T) {
	dir, block := golden(t, "log-v1")
	change(t, block, func(b []byte) []byte { return append(b, "half a record"...) })
	lock, err := os.Open(filepath.Join(dir, "LOCK"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	code, out, _ := call(t, "log", "verify", "--data-dir", dir)
	if code != clierr.OK || !strings.Contains(out, "a server has the log open") ||
		!strings.Contains(out, "is still in progress") {
		t.Errorf("code %d: %s", code, out)
	}
}

func TestLogWithoutALog(t *testing.T) {
	for _, verb := range []string{"verify", "export", "stats"} {
		for _, dir := range []string{t.TempDir(), "/does/not/exist"} {
			if code, out, err := call(t, "log", verb, "--data-dir", dir); code != clierr.Failed || out != "" ||
				!strings.Contains(err, dir) {
				t.Errorf("log %s of %s: code %d, %s%s", verb, dir, code, out, err)
			}
		}
	}
	if code, _, _ := call(t, "log"); code != clierr.Usage {
		t.Errorf("log without a verb: code %d", code)
	}
}

func TestLogExport(t *testing.T) {
	dir, block := golden(t, "log-v1")
	code, out, errs := call(t, "log", "export", "--data-dir", dir)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if code != clierr.OK || len(lines) != 9 {
		t.Fatalf("code %d, %d lines: %s", code, len(lines), errs)
	}
	for at, want := range map[int]string{
		1: `{"id":2,"event":"issued","seq":2,"node":"test","submitter":"ci/nightly@host",` +
			`"command":{"type":"set_players","players":7,"note":"warm up"},` +
			`"target":{"labels":{"region":"eu"}},"targets":["d-1","d-2","d-3"],` +
			`"submitted_at":"2026-11-24T12:00:00.123Z","deadline_ms":2000}`,
		2: `{"id":3,"event":"closed","seq":2,"node":"test","status":"partial",` +
			`"closed_at":"2026-11-24T12:00:01.123Z","duration_ms":1.5,` +
			`"counts":{"targeted":3,"acked":1,"rejected":1,"superseded":0,"missing":1},` +
			`"acked":[{"driver_id":"d-1","latency_ms":1}],` +
			`"rejected":[{"driver_id":"d-2","latency_ms":1,"code":"busy","detail":"later"}],"superseded":[],` +
			`"missing":[{"driver_id":"d-3","reason":"node_lost"}]}`,
		3: `{"id":4,"event":"late","seq":2,"node":"test","at":"2026-11-24T12:00:00.123Z",` +
			`"late":[{"driver_id":"d-3","status":"applied","latency_ms":2400}]}`,
		7: `{"id":8,"event":"reset","node":"test","at":"2026-11-24T12:00:00.123Z","cause":"no session for 10m0s"}`,
	} {
		if lines[at] != want {
			t.Errorf("line %d is\n%s, want\n%s", at+1, lines[at], want)
		}
	}
	change(t, block, func(b []byte) []byte { b[500] ^= 1; return b })
	code, out, errs = call(t, "log", "export", "--data-dir", dir)
	if code != clierr.Failed || strings.Count(out, "\n") != 8 || !strings.Contains(errs, "damaged") {
		t.Errorf("of a damaged log: code %d, %d lines, %s", code, strings.Count(out, "\n"), errs)
	}
}

func TestLogStats(t *testing.T) {
	dir, _ := golden(t, "log-v1")
	if code, out, _ := call(t, "log", "stats", "--data-dir", dir); code != clierr.OK ||
		!strings.Contains(out, "entries            4") {
		t.Errorf("code %d: %s", code, out)
	}
	_, out, _ := call(t, "log", "stats", "--json", "--data-dir", dir)
	var got struct {
		Entries, Records, Submitters, Verdicts int
		FirstAt                                string `json:"first_at"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Entries != 4 || got.Records != 9 ||
		got.Submitters != 3 || got.Verdicts != 603 || got.FirstAt == "" {
		t.Errorf("%+v, %v in %s", got, err, out)
	}
}

// TestTheCLIHasNoEngine: it must start at once, so it does not link the log engine. It links the client of NATS, which
// costs a fraction of a millisecond.
func TestTheCLIHasNoEngine(t *testing.T) {
	deps, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(deps)) {
		if strings.Contains(dep, "nats-server") || strings.HasSuffix(dep, "internal/cmdlog") {
			t.Errorf("it links %s", dep)
		}
	}
}

func TestLogBackup(t *testing.T) {
	dir, block := golden(t, "log-v1")
	change(t, block, func(b []byte) []byte { return append(b, "half a record"...) })
	to := filepath.Join(t.TempDir(), "backup")
	code, out, errs := call(t, "log", "backup", "--data-dir", dir, "--to", to)
	if code != clierr.OK || errs != "" {
		t.Fatalf("code %d: %s%s", code, out, errs)
	}
	for _, want := range []string{to, "9, up to position 9", "in 1 files", "13 bytes of an unfinished write"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	code, out, errs = call(t, "log", "verify", "--data-dir", to)
	if code != clierr.OK || strings.Contains(out, "unfinished") || strings.Contains(out, "harmless") {
		t.Errorf("the copy: code %d: %s%s", code, out, errs)
	}
	_, was, _ := call(t, "log", "export", "--data-dir", dir)
	if _, is, _ := call(t, "log", "export", "--data-dir", to); is != was {
		t.Errorf("the copy holds\n%s, the log\n%s", is, was)
	}
	second := filepath.Join(t.TempDir(), "second")
	code, out, _ = call(t, "log", "backup", "--data-dir", dir, "--to", second, "--json")
	var got logs.Copied
	if err := json.Unmarshal([]byte(out), &got); code != clierr.OK || err != nil {
		t.Fatalf("code %d, %v in %s", code, err, out)
	}
	want := logs.Copied{
		To: second, LogID: got.LogID, Records: 9, LastPosition: 9, Files: 1, Bytes: got.Bytes, CutBytes: 13,
	}
	if got != want || got.LogID == "" || got.Bytes == 0 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLogBackupRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(block []byte) []byte
		to     string // "" for a new directory
		want   string
		not    string
	}{
		"damage":            {func(b []byte) []byte { b[500] ^= 1; return b }, "", "msgs/1.blk at byte ", "newer"},
		"a taken target":    {nil, ".", "is not empty", "damaged"},
		"the log itself":    {nil, "DIR", "inside the data directory", "damaged"},
		"a place inside it": {nil, "DIR/backup", "inside the data directory", "damaged"},
	} {
		dir, block := golden(t, "log-v1")
		if tc.change != nil {
			change(t, block, tc.change)
		}
		to := strings.Replace(tc.to, "DIR", dir, 1)
		if to == "" {
			to = filepath.Join(t.TempDir(), "backup")
		}
		code, out, errs := call(t, "log", "backup", "--data-dir", dir, "--to", to)
		if code != clierr.Failed || out != "" || !strings.Contains(errs, tc.want) || strings.Contains(errs, tc.not) {
			t.Errorf("%s: code %d\n%s%s", name, code, out, errs)
		}
		if _, err := os.Stat(filepath.Join(to, "mark")); tc.to == "" && err == nil {
			t.Errorf("%s: there is a backup", name)
		}
	}
	if code, _, errs := call(t, "log", "backup"); code != clierr.Usage || !strings.Contains(errs, "--to") {
		t.Errorf("without a target: code %d, %s", code, errs)
	}
	empty := t.TempDir()
	code, _, errs := call(t, "log", "backup", "--data-dir", empty, "--to", filepath.Join(t.TempDir(), "x"))
	if code != clierr.Failed || !strings.Contains(errs, "there is no log in "+empty) {
		t.Errorf("without a log: code %d, %s", code, errs)
	}
}

func TestLogMigrateUsage(t *testing.T) {
	dir, _ := golden(t, "log-v1")
	for args, want := range map[string]string{
		"log migrate --data-dir " + dir:                                     "--nats-url",
		"log migrate --nats-url http://127.0.0.1:1 --data-dir " + dir:       "nats://HOST:PORT",
		"log migrate --nats-url nats://a,, --data-dir " + dir:               "nats://HOST:PORT",
		"log migrate --nats-url nats://a --log-max-bytes=-1":                "--log-max-bytes",
		"log verify --nats-url nats://127.0.0.1:1 --data-dir " + dir:        "either --data-dir or --nats-url",
		"log backup --nats-url nats://127.0.0.1:1 --to x --data-dir " + dir: "unknown flag --nats-url",
	} {
		if code, _, err := call(t, strings.Fields(args)...); code != clierr.Usage || !strings.Contains(err, want) {
			t.Errorf("%s: code %d, %s", args, code, err)
		}
	}
	code, _, err := call(t, "log", "migrate", "--data-dir", dir, "--nats-url", "nats://u:geheim@127.0.0.1:1")
	if code != clierr.Unreachable || strings.Contains(err, "geheim") {
		t.Errorf("nothing listens: code %d, %s", code, err)
	}
	t.Setenv("SWARMCALL_NATS_URL", "nats://127.0.0.1:1")
	if code, _, err := call(t, "log", "verify"); code != clierr.Unreachable {
		t.Errorf("by the environment: code %d, %s", code, err)
	}
	if code, out, err := call(t, "log", "verify", "--data-dir", dir); code != clierr.OK {
		t.Errorf("a flag wins over the environment: code %d, %s%s", code, out, err)
	}
}
