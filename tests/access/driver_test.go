package access

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// frames is a driver socket at the level of frames, with a token of its own.
type frames struct {
	*websocket.Conn
	t testing.TB
}

// connect opens a driver socket with a token; "" for none. It returns the status of a refusal.
func (w *world) connect(secret string) (frames, int) {
	w.t.Helper()
	header := http.Header{}
	if secret != "" {
		header.Set("Authorization", "Bearer "+secret)
	}
	conn, answer, err := websocket.Dial(w.t.Context(), w.URL+"/drivers/connect", &websocket.DialOptions{ //nolint:bodyclose // closed by Dial
		Subprotocols: []string{wire.Subprotocol}, HTTPHeader: header,
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	if err != nil {
		if answer == nil {
			w.t.Fatal(err)
		}
		return frames{}, answer.StatusCode
	}
	w.t.Cleanup(func() { _ = conn.CloseNow() })
	return frames{conn, w.t}, http.StatusSwitchingProtocols
}

func (f frames) send(format string, args ...any) {
	f.t.Helper()
	if err := f.Write(f.t.Context(), websocket.MessageText, fmt.Appendf(nil, format, args...)); err != nil {
		f.t.Fatal(err)
	}
}

// next returns the next frame, or the close code.
func (f frames) next() (frame map[string]any, code websocket.StatusCode) {
	f.t.Helper()
	_, b, err := f.Read(f.t.Context())
	if code := websocket.CloseStatus(err); code != -1 {
		return nil, code
	}
	if err == nil {
		err = json.Unmarshal(b, &frame)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return frame, 0
}

// until reads frames up to one of a type, or the close. It returns that frame, or the close code and what the last error
// frame said.
func (f frames) until(kind string) (frame map[string]any, code websocket.StatusCode, detail string) {
	f.t.Helper()
	for {
		frame, code := f.next()
		if code != 0 || frame["type"] == kind {
			return frame, code, detail
		}
		if frame["type"] == "error" {
			detail, _ = frame["detail"].(string)
		}
	}
}

const register = `{"type":"register","driver_id":"%s","labels":{"team":"%s"},"state":{"players":0,"spawn_delay_ms":0,"running":false}}`

// register registers a driver. code is 0 if the server accepted it.
func (w *world) register(secret, id, team string) (f frames, code websocket.StatusCode, detail string) {
	w.t.Helper()
	f, status := w.connect(secret)
	if status != http.StatusSwitchingProtocols {
		w.t.Fatalf("the handshake of %s: %d", id, status)
	}
	f.send(register, id, team)
	_, code, detail = f.until("registered")
	return f, code, detail
}

var teams = map[string]string{
	"shop-drivers": "driver, driver_ids: [shop-*], labels: {team: shop}",
	"game-drivers": "driver, labels: {team: game}",
	"shop":         "controller, scope: {team: shop}",
	"root":         "admin",
}

// TestIdentity tries to take a driver id over, and to act as another driver.
func TestIdentity(t *testing.T) {
	w := start(t, teams, nil)
	shop, game := w.secret("shop-drivers"), w.secret("game-drivers")
	first, code, _ := w.register(shop, "shop-1", "shop")
	if code != 0 {
		t.Fatalf("a driver in its bounds: closed with %d", code)
	}
	for _, tc := range []struct{ name, secret, id, team, reason string }{
		{"another id than the credential covers", shop, "game-1", "shop", "shop-*"},
		{"another label than the credential has", shop, "shop-2", "game", "team=shop"},
		{"the id of another principal", game, "shop-1", "game", "shop-drivers"},
	} {
		if _, code, detail := w.register(tc.secret, tc.id, tc.team); code != 4003 || !strings.Contains(detail, tc.reason) {
			t.Errorf("%s: closed with %d, %q", tc.name, code, detail)
		}
	}
	w.eventually(func() bool {
		audited := w.do("GET", "/audit", "", "root").body
		return strings.Contains(audited, "belongs to shop-drivers") && strings.Contains(audited, `"driver_id":"game-1"`)
	})
	if _, status := w.connect(""); status != http.StatusUnauthorized {
		t.Errorf("without a credential: %d", status)
	}
	if _, status := w.connect(w.secret("shop")); status != http.StatusForbidden {
		t.Errorf("with the token of a controller: %d", status)
	}
	// A new secret of the same name takes over, as a restarted driver does.
	w.mu.Lock()
	w.secrets["shop-drivers"] = append(w.secrets["shop-drivers"], w.secrets["root"][0]+"x")
	w.mu.Unlock()
	w.write()
	rotated := w.secret("shop-drivers")
	w.eventually(func() bool { return w.do("GET", "/whoami", "", "shop-drivers").StatusCode == http.StatusOK })
	second, code, _ := w.register(rotated, "shop-1", "shop")
	if code != 0 {
		t.Fatalf("the same name after a rotation: closed with %d", code)
	}
	if _, code, _ := first.until("nothing"); code != 4002 {
		t.Errorf("the replaced session: closed with %d, want 4002", code)
	}
	w.answersAlone(second, "shop-1")
}

// answersAlone sends a command to a driver while others ack it in its place.
func (w *world) answersAlone(f frames, id string) {
	w.t.Helper()
	other, code, _ := w.register(w.secret("game-drivers"), "game-9", "game")
	if code != 0 {
		w.t.Fatalf("another driver: closed with %d", code)
	}
	done := make(chan reply)
	go func() {
		done <- w.do("POST", "/commands", `{"command":{"type":"set_players","players":1},"target":{"driver_ids":["`+id+
			`"]},"deadline_ms":60000}`, "root")
	}()
	frame, _, _ := f.until("command")
	seq := int64(frame["seq"].(float64))
	other.send(`{"type":"command_ack","seq":%d,"status":"applied"}`, seq)
	other.send(`{"type":"heartbeat","applied_seq":%d}`, seq)
	if a := w.do("GET", fmt.Sprintf("/commands/%d", seq), "", "root"); !strings.Contains(a.body, `"status":"pending"`) {
		w.t.Errorf("an ack of another driver counted: %s", a.body)
	}
	f.send(`{"type":"command_ack","seq":%d,"status":"rejected","code":"mine","detail":"it is me"}`, seq)
	if a := <-done; !strings.Contains(a.body, `"code":"mine"`) {
		w.t.Errorf("the verdict is not that of the driver: %s", a.body)
	}
}

// TestScopes: nobody gets a driver into another team's scope, or commands outside their own.
func TestScopes(t *testing.T) {
	w := start(t, teams, nil)
	if _, code, _ := w.register(w.secret("game-drivers"), "game-1", "shop"); code != 4003 {
		t.Errorf("a driver that gives itself another team's label: closed with %d", code)
	}
	f, code, _ := w.register(w.secret("game-drivers"), "game-1", "game")
	if code != 0 {
		t.Fatalf("closed with %d", code)
	}
	go func() {
		for {
			if _, _, err := f.Read(context.WithoutCancel(t.Context())); err != nil {
				return
			}
		}
	}()
	for _, target := range []string{`{}`, `{"driver_ids":["game-1"]}`, `{"labels":{"team":"game"}}`,
		`{"labels":{"region":"eu"}}`} {
		for _, command := range []string{`{"type":"stop"}`, `{"type":"set_players","players":1}`,
			`{"type":"set_spawn_delay_ms","spawn_delay_ms":1}`} {
			for _, dry := range []string{"false", "true"} {
				a := w.do("POST", "/commands", `{"command":`+command+`,"target":`+target+`,"dry_run":`+dry+`}`, "shop")
				if a.StatusCode != http.StatusForbidden || a.Code != "outside_scope" || !strings.Contains(a.Detail, "team=shop") {
					t.Errorf("%s to %s: %d %s %s", command, target, a.StatusCode, a.Code, a.Detail)
				}
			}
		}
	}
	a := w.do("POST", "/commands", `{"command":{"type":"stop"},"target":{"labels":{"team":"shop"}}}`, "shop")
	if a.StatusCode == http.StatusForbidden {
		t.Errorf("a Stop inside the scope: %d %s", a.StatusCode, a.Detail)
	}
}

// TestAttributed: each entry names the principal and its credential.
func TestAttributed(t *testing.T) {
	w := start(t, teams, nil)
	f, code, _ := w.register(w.secret("shop-drivers"), "shop-1", "shop")
	if code != 0 {
		t.Fatalf("closed with %d", code)
	}
	go func() { // acks whatever arrives
		for {
			frame, code := f.next()
			if code != 0 {
				return
			}
			if frame["type"] == "command" {
				f.send(`{"type":"command_ack","seq":%d,"status":"applied"}`, int64(frame["seq"].(float64)))
			}
		}
	}()
	a := w.do("POST", "/commands", `{"command":{"type":"set_players","players":1},"target":{"labels":{"team":"shop"}}}`,
		"shop", "X-Request-Id: r-1")
	credential, _ := a.Via["credential"].(string)
	if a.StatusCode != http.StatusCreated || a.Submitter != "shop" || !strings.HasPrefix(credential, "token:") ||
		a.Via["request_id"] != "r-1" || !strings.HasPrefix(a.Via["remote_addr"].(string), "127.0.0.1:") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	again := w.do("GET", fmt.Sprintf("/commands/%d", a.Seq), "", "root")
	if again.Via["credential"] != credential {
		t.Errorf("read again: via is %v", again.Via)
	}
	for _, path := range []string{"/commands/export", "/commands"} {
		if a := w.do("GET", path, "", "root"); !strings.Contains(a.body, credential) {
			t.Errorf("%s does not say how the command came in: %s", path, a.body)
		}
	}
	w.Stop()
	w.Start()
	if again := w.do("GET", fmt.Sprintf("/commands/%d", a.Seq), "", "root"); again.Via["credential"] != credential ||
		again.Submitter != "shop" {
		t.Errorf("after a restart: %s", again.body)
	}
}

// TestRevoked removes rows while their holders are connected.
func TestRevoked(t *testing.T) {
	w := start(t, map[string]string{"d": "driver", "v": "viewer", "root": "admin", "kept": "driver"}, nil)
	unregistered, status := w.connect(w.secret("d"))
	if status != http.StatusSwitchingProtocols {
		t.Fatal(status)
	}
	registered, code, _ := w.register(w.secret("d"), "d-1", "x")
	kept, keptCode, _ := w.register(w.secret("kept"), "d-2", "x")
	if code != 0 || keptCode != 0 {
		t.Fatalf("closed with %d, %d", code, keptCode)
	}
	stream := w.stream("/commands/stream", "v")
	w.revoke("d")
	w.revoke("v")
	if _, code, detail := registered.until("nothing"); code != 4001 || detail == "" {
		t.Errorf("a registered driver: closed with %d, %q", code, detail)
	}
	if _, code, _ := unregistered.until("nothing"); code != 4001 && code != 4005 { // its time to register may end first
		t.Errorf("an unregistered driver: closed with %d", code)
	}
	if err := <-stream; err != nil {
		t.Errorf("the stream: %v", err)
	}
	for _, name := range []string{"d", "v"} {
		if a := w.do("GET", "/state", "", name); a.Code != "unauthenticated" {
			t.Errorf("%s after its revocation: %d %s", name, a.StatusCode, a.Code)
		}
	}
	kept.send(`{"type":"deregister"}`)
	if _, code, _ := kept.until("nothing"); code != 1000 {
		t.Errorf("another driver was closed with %d before it left", code)
	}
	audited := w.do("GET", "/audit", "", "root").body
	for _, want := range []string{`the credential of d is not valid any more`, `removed d`, `removed (d, )?v`, `"kind":"started"`} {
		if !regexp.MustCompile(want).MatchString(audited) {
			t.Errorf("%s is not in the audit log: %s", want, audited)
		}
	}
}

// stream reads a stream until it ends.
func (w *world) stream(path, name string) <-chan error {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.secret(name))
	resp, err := w.client.Do(r) //nolint:bodyclose // the reader below closes it
	if err != nil {
		w.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %d", path, resp.StatusCode)
	}
	done := make(chan error, 1)
	go func() {
		defer func() { _ = resp.Body.Close() }()
		buf := make([]byte, 4096)
		for {
			if _, err := resp.Body.Read(buf); err != nil {
				if err.Error() == "EOF" {
					err = nil
				}
				done <- err
				return
			}
		}
	}()
	return done
}

// TestRotations rotates the token of a fleet again and again while commands go on. A rotation must never cost an ack.
func TestRotations(t *testing.T) {
	rotations, fleet := 3, 6
	if os.Getenv("SWARMCALL_SOAK") != "" {
		rotations, fleet = 50, 20
	}
	w := start(t, map[string]string{"fleet": "driver", "root": "admin"}, nil)
	file := w.file("fleet")
	ctx, stop := context.WithCancel(t.Context())
	var sessions atomic.Int64
	ended := make(chan error, fleet)
	for i := range fleet {
		go func() {
			ramp := driver.NewRamp(0, func(ctx context.Context) { <-ctx.Done() })
			defer ramp.Close()
			ended <- driver.Run(ctx, driver.Config{
				URL: w.URL, DriverID: fmt.Sprintf("d-%d", i), TokenFile: file,
				OnConnect: func(driver.Session) { sessions.Add(1) },
			}, ramp)
		}()
	}
	w.eventually(func() bool { return sessions.Load() >= int64(fleet) })
	missing, commands := 0, 0
	for n := range rotations {
		w.rotate("fleet", file)
		for sessions.Load() < int64(fleet*(n+2)) {
			a := w.do("POST", "/commands", `{"command":{"type":"set_players","players":1},"deadline_ms":60000}`, "root")
			if a.StatusCode == http.StatusConflict { // every driver is on its way back
				continue
			}
			commands++
			var entry struct{ Missing []any }
			if err := json.Unmarshal([]byte(a.body), &entry); err != nil {
				t.Fatalf("%v in %s", err, a.body)
			}
			missing += len(entry.Missing)
			if len(entry.Missing) > 0 {
				t.Errorf("rotation %d: %s", n, a.body)
			}
		}
	}
	t.Logf("%d rotations of %d drivers, %d commands, %d missing acks", rotations, fleet, commands, missing)
	stop()
	for range fleet {
		if err := <-ended; err != nil {
			t.Errorf("a driver ended with %v", err)
		}
	}
}

// rotate replaces the secret of a name in the auth file and in a token file.
func (w *world) rotate(name, file string) {
	w.t.Helper()
	w.mu.Lock()
	secret := w.secrets[name][len(w.secrets[name])-1]
	next := fmt.Sprintf("%s%d", secret[:40], len(w.secrets[name])+int(secret[len(secret)-1]))
	w.secrets[name] = []string{secret, next}
	w.mu.Unlock()
	w.write()
	if err := os.WriteFile(file+".new", []byte(next), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		w.t.Fatal(err)
	}
	w.eventually(func() bool { return w.do("GET", "/whoami", "", name).StatusCode == http.StatusOK })
	w.mu.Lock()
	w.secrets[name] = []string{next}
	w.mu.Unlock()
	w.write() // sessions of the old secret move
}
