package access

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// programs are the built programs of one test.
type programs struct {
	*world
	*canaries

	dir    string // of the binaries
	data   string // of the server
	server *proctest.Process
	sent   int // requests
}

var listens = regexp.MustCompile(`"msg":"listening","addr":"([^"]+)"`)

// build builds the server and the command-line client.
func build(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := proctest.Build("../..", dir, map[string]string{
		"swarmcall-server": "./cmd/server", "swarmcall": "./cmd/swarmcall",
	}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// run starts a server process that logs everything.
func run(t testing.TB, rows map[string]string) *programs {
	t.Helper()
	p := &programs{world: newWorld(t, rows), canaries: newCanaries(t), dir: build(t), data: t.TempDir()}
	for name := range rows {
		p.remember(p.secret(name), "the valid token of "+name)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(p.dir, "swarmcall-server"), "--listen", "127.0.0.1:0",
		"--data-dir", p.data, "--auth-file", p.path, "--log-level", "debug", "--log-format", "json",
		"--heartbeat-interval", "100ms", "--trusted-proxies", "127.0.0.1")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	var err error
	if p.server, err = proctest.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.server.Kill)
	up := func(said string) bool { return listens.MatchString(said) }
	if !p.server.Err.Until(up, p.server.Ended, patience) {
		t.Fatalf("the server does not listen: %s", p.server.Err)
	}
	p.Server = &servertest.Server{}
	p.URL = "http://" + listens.FindStringSubmatch(p.server.Err.String())[1]
	return p
}

// send sends a request as it is, and returns the whole answer.
func (p *programs) send(text string) (string, error) {
	conn, err := (&net.Dialer{}).DialContext(p.world.t.Context(), "tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience)) // only a broken server needs it
	_, _ = io.WriteString(conn, text)              // it may have answered before it has read all
	if c, ok := conn.(*net.TCPConn); ok {          // a request may promise more than it sends
		_ = c.CloseWrite()
	}
	b, err := io.ReadAll(conn)
	if len(b) > 0 {
		err = nil // a reset after the answer
	}
	return string(b), err
}

// try sends an input with the credential of an administrator, and without one.
func (p *programs) try(in input) {
	p.world.t.Helper()
	secret := p.put(in.place)
	escape := strings.NewReplacer("_", "%5F", "-", "%2D")
	for _, who := range []string{"Authorization: Bearer " + p.secret("root") + "\r\n", ""} {
		p.sent++
		text := strings.NewReplacer(
			"{canary}", secret, "{escaped}", escape.Replace(secret), "{rest}", secret[4:], "{basic}", basic(secret),
			"{host}", strings.TrimPrefix(p.URL, "http://"), "{who}", who, "{admin}", p.secret("other"),
			"{address}", fmt.Sprintf("10.%d.%d.%d", p.sent/62500, p.sent/250%250, p.sent%250),
		).Replace(in.text)
		if !strings.HasPrefix(in.place, "malformed") {
			text = fixLength(text)
		}
		answer, err := p.send(text)
		if err != nil {
			p.world.t.Errorf("%s: %v", in.place, err)
		}
		p.only(secret, "the answer", answer)
		p.only(p.secret("other"), "the answer", answer)
		p.only(p.secret("root"), "the answer", answer)
		if who != "" && !strings.Contains(in.text, "{who}") {
			return
		}
	}
}

var length = regexp.MustCompile(`Content-Length: \d+`)

// fixLength writes the length of a body whose parts were replaced.
func fixLength(text string) string {
	_, body, _ := strings.Cut(text, "\r\n\r\n")
	return length.ReplaceAllLiteralString(text, fmt.Sprintf("Content-Length: %d", len(body)))
}

// TestSecrets puts tokens into every input of the server and of the command line, and searches for them in all outputs.
func TestSecrets(t *testing.T) {
	p := run(t, map[string]string{"root": "admin", "other": "admin", "d": "driver", "v": "viewer"})
	for _, in := range inputs() {
		p.try(in)
	}
	p.authFiles()
	p.commandLines()
	p.sdk()
	p.sweep()
	p.searchProcess("the server", p.server.Cmd.Process.Pid)
	p.stopAndSearch()
	t.Logf("%d tokens, %d requests, %d texts of %d MB searched: %d hits",
		len(p.places)/2, p.sent, p.texts, p.bytes>>20,
		len(p.hits))
}

// TestSecretsOfDrivers does the same with the frames of drivers.
func TestSecretsOfDrivers(t *testing.T) {
	p := run(t, map[string]string{"root": "admin", "other": "admin", "d": "driver", "v": "viewer"})
	p.registers()
	p.frames()
	p.sweep()
	p.stopAndSearch()
	t.Logf("%d tokens, %d texts searched: %d hits", len(p.places)/2, p.texts, len(p.hits))
}

// stopAndSearch stops the server and searches its output and its files.
func (p *programs) stopAndSearch() {
	t := p.world.t
	t.Helper()
	p.server.Signal(syscall.SIGTERM)
	if !p.server.EndsWithin(patience) || p.server.Code() != 0 {
		t.Errorf("the server ended with %d", p.server.Code())
	}
	log := p.server.Err.String()
	if strings.Count(log, `"level":"DEBUG"`) == 0 {
		t.Error("the server has not logged at the level debug")
	}
	p.search("the server's log", log)
	p.search("the server's stdout", p.server.Out.String())
	p.searchFiles(p.data)
	out, err := exec.CommandContext(t.Context(), filepath.Join(p.dir, "swarmcall"), "log", "export", "--data-dir",
		p.data).
		CombinedOutput()
	if err != nil {
		t.Errorf("log export: %v", err)
	}
	p.search("the export of the log", string(out))
}

// sweep reads everything that the server shows.
func (p *programs) sweep() {
	p.world.t.Helper()
	cookie := p.signIn("root")
	for _, path := range []string{"/state", "/drivers?limit=1000", "/commands?limit=1000", "/commands/export",
		"/audit?limit=1000", "/limits", "/nodes", "/version", "/readyz", "/livez", "/whoami", "/openapi.yaml", "/",
		"/ui/commands",
		"/ui/drivers", "/ui/heatmap", "/ui/nodes", "/ui/about", "/ui/stop", "/ui/login", "/ui/commands/1", "/commands/1",
		"/ui/series"} {
		a := p.do("GET", path, "", "", "Cookie: "+cookie, "Accept: text/html")
		p.search("GET "+path, fmt.Sprint(a.StatusCode, a.Header)+a.body)
	}
	for _, d := range p.do("GET", "/drivers?limit=1000", "", "root").Items {
		id := url.PathEscape(d["driver_id"].(string))
		for _, path := range []string{"/drivers/", "/ui/drivers/"} {
			a := p.do("GET", path+id, "", "", "Cookie: "+cookie, "Accept: text/html")
			p.search("GET "+path+"{driver_id}", fmt.Sprint(a.StatusCode, a.Header)+a.body)
		}
	}
	for _, path := range []string{"/commands/stream?after=0",
		"/ui/stream?topic=/&topic=/ui/drivers&topic=/ui/commands&" +
			"fresh=/&fresh=/ui/drivers&fresh=/ui/commands"} {
		p.search("GET "+path, p.beginning(path, cookie))
	}
}

// beginning reads some of a stream.
func (p *programs) beginning(path, cookie string) string {
	t := p.world.t
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	resp, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d", path, resp.StatusCode)
	}
	stop := time.AfterFunc(3*time.Second, func() { _ = resp.Body.Close() }) // enough for what is there already
	defer stop.Stop()
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return string(b)
}

// authFiles puts tokens into the auth file of a running server.
func (p *programs) authFiles() {
	t := p.world.t
	t.Helper()
	valid, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		`{name: x, hash: ["{canary}"], role: viewer}`, `{name: x, hash: ["sha256:{canary}"], role: viewer}`,
		`{name: x, hash: {canary}, role: viewer}`, `{name: "{canary}", hash: [a], role: viewer}`,
		`{name: x, hash: [], role: "{canary}"}`, `{name: x, role: viewer, scope: {team: "{canary}"}}`,
		`{name: x, role: viewer, scope: {"{canary}": x}}`, `{name: x, role: viewer, expires: "{canary}"}`,
		`{name: x, role: driver, driver_ids: ["{canary}"], labels: {a: "{canary}"}}`, `{"{canary}": x}`, `{canary}`,
		`{name: x, hash: [*{canary}]}`, `&{canary} {name: x`, "\t{canary}", `!!{canary} x`, `{name: x, name: {canary}}`,
	} {
		secret := p.put("auth file, " + row)
		text := string(valid) + "  - " + strings.ReplaceAll(row, "{canary}", secret) + "\n"
		p.reload(text)
		bad := filepath.Join(t.TempDir(), "auth.yaml")
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p.cli(nil, "", "auth", "check", bad)
		p.cli(nil, "", "token", "list", "--auth-file", bad)
	}
	p.reload("tokens: [{name: " + p.put("auth file, all of it") + "}]\n")
	p.reload(string(valid))
}

// reload replaces the auth file and waits until the server has read it.
func (p *programs) reload(text string) {
	t := p.world.t
	t.Helper()
	said := func(log string) int {
		return strings.Count(log, "reloaded the auth file") + strings.Count(log, "cannot reload the auth file")
	}
	before := said(p.server.Err.String())
	if err := os.WriteFile(p.path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p.path+".new", p.path); err != nil {
		t.Fatal(err)
	}
	p.server.Signal(syscall.SIGHUP)
	if !p.server.Err.Until(func(log string) bool { return said(log) > before }, p.server.Ended, patience) {
		t.Fatal("the server does not read the auth file again")
	}
}

// registers sends register frames, each on a connection of its own.
func (p *programs) registers() {
	for _, frame := range []string{
		`{"type":"register","driver_id":"{canary}"}`, `{"type":"register","driver_id":"a {canary}"}`,
		`{"type":"register","driver_id":"d-1","version":"{canary}"}`,
		`{"type":"register","driver_id":"d-1","instance":"{canary}"}`,
		`{"type":"register","driver_id":"d-1","labels":{"team":"{canary}"}}`, `{"type":"{canary}"}`, `{canary}`,
		`"{canary}"`,
		`{"type":"register","driver_id":"d-1","labels":{"{canary}":"x"}}`,
		`{"type":"register","driver_id":"d-1","{canary}":1}`,
		`{"type":"register","driver_id":"d-1","labels":{"{canary}":1}}`, `{"type":"register","driver_id":["{canary}"]}`,
		`{"type":"register","driver_id":"d-1","labels":{"a{canary}":"\n"}}`, `{"{canary}":1,"{canary}":2}`,
		`{"type":"register","driver_id":"d-1","capabilities":["{canary}"]}`,
		`{"type":"register","driver_id":"d-1","state":{"{canary}":-1}}`,
		`{"type":"register","driver_id":"d-1","max_players":"{canary}"}`,
		`{"type":"register","driver_id":"d-1","version":"v1 {canary}"}`,
	} {
		f, status := p.connect(p.secret("d"))
		if status != http.StatusSwitchingProtocols {
			p.world.t.Fatalf("the handshake: %d", status)
		}
		secret := p.put("frame " + frame)
		f.send("%s", strings.ReplaceAll(frame, "{canary}", secret))
		p.hear(f, secret, "registered")
		p.search("GET /drivers", p.do("GET", "/drivers", "", "root").body)
		_ = f.Close(websocket.StatusNormalClosure, secret)
	}
}

// hear reads frames until one of a type, or the close, and looks for a token in each.
func (p *programs) hear(f frames, secret, kind string) {
	p.world.t.Helper()
	for {
		frame, code, err := f.hear()
		p.only(secret, "the frame", fmt.Sprint(frame, err))
		if code != 0 || frame["type"] == kind {
			return
		}
	}
}

// hear returns the next frame, or the close code and its error.
func (f frames) hear() (frame map[string]any, code websocket.StatusCode, err error) {
	_, b, err := f.Read(f.t.Context())
	if err == nil {
		err = json.Unmarshal(b, &frame)
		return frame, 0, err
	}
	if code = websocket.CloseStatus(err); code == -1 {
		code = websocket.StatusAbnormalClosure
	}
	return nil, code, err
}

// frames sends frames of a registered driver, and answers a command.
func (p *programs) frames() {
	t := p.world.t
	t.Helper()
	f, status := p.connect(p.secret("d"))
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("the handshake: %d", status)
	}
	f.send(register, "d-2", "x")
	p.hear(f, "swc_"+strings.Repeat("-", 43), "registered")
	for _, frame := range []string{
		`{"type":"heartbeat","applied_seq":0,"metrics":{"{canary}":1}}`,
		`{"type":"heartbeat","applied_seq":0,"metrics":{"rps {canary}":1}}`,
		`{"type":"heartbeat","applied_seq":0,"metrics":{"{canary}":"x"}}`,
		`{"type":"heartbeat","applied_seq":"{canary}"}`,
		`{"type":"{canary}"}`, `{"type":"command_ack","seq":9,"status":"{canary}"}`,
		`{"type":"register","driver_id":"{canary}"}`,
		`{"type":"command_ack","seq":9,"status":"rejected","code":"{canary}","detail":"{canary}"}`,
		`{"type":"heartbeat","applied_seq":0,"state":{"players":"{canary}"}}`,
		`{"type":"command_ack","{canary}":1,"{canary}":2}`,
	} {
		secret := p.put("frame " + frame)
		f.send("%s", strings.ReplaceAll(frame, "{canary}", secret))
		p.search("GET /drivers", p.do("GET", "/drivers", "", "root").body)
	}
	secret := p.put("a rejection")
	answer := make(chan reply)
	go func() {
		answer <- p.do("POST", "/commands", `{"command":{"type":"set_players","players":1},"deadline_ms":60000}`,
			"root")
	}()
	f.send(`{"type":"heartbeat","applied_seq":0}`)
	var frame map[string]any
	for frame["type"] != "command" {
		var code websocket.StatusCode
		if frame, code, _ = f.hear(); code != 0 {
			t.Fatalf("closed with %d", code)
		}
		p.search("a frame", fmt.Sprint(frame))
	}
	f.send(`{"type":"command_ack","seq":%d,"status":"rejected","code":"%s","detail":"it is %s"}`,
		int64(frame["seq"].(float64)), secret, secret)
	p.only(secret, "the answer to the command", (<-answer).body)
	f.send("%s", `{"type":"deregister","reason":"`+p.put("a deregistration")+`"}`)
	p.hear(f, secret, "nothing")
}
