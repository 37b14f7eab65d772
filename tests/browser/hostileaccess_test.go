package browser

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
)

// sheets are texts that a spreadsheet would run, and texts that a terminal would.
var sheets = map[string]string{
	"formula": `=cmd|' /C calc'!A0`, "plus": `+1+cmd|'/C calc'!A0`, "at": `@SUM(1+1)*cmd|' /C calc'!A0`,
	"ansi": "\x1b]0;pwned\a\x1b[31mred", "c1": "\u009b31mred",
}

// hostile is a person and a driver whose texts are a payload, as far as the server accepts it.
type hostile struct {
	name, payload  string
	person, driver string // tokens
}

// hostilePeople starts a server with a person and a driver for every payload that labels may have.
func hostilePeople(t *testing.T) (*signedServer, []hostile) {
	t.Helper()
	payloads := maps.Clone(webtest.Payloads)
	maps.Copy(payloads, sheets)
	g := &signedServer{}
	var all []hostile
	var b strings.Builder
	b.WriteString("tokens:\n")
	row := func(name, rest string) string {
		secret, _ := authfile.NewSecret()
		hash := authfile.Hash(secret)
		fmt.Fprintf(&b, "  - {name: %q, hash: [\"sha256:%s\"], %s}\n", name, hex.EncodeToString(hash[:]), rest)
		return secret
	}
	g.admin = row("ann", "role: admin")
	for _, name := range slices.Sorted(maps.Keys(payloads)) {
		h := hostile{name: name, payload: payloads[name]}
		if len(swarm.ValidateLabels(map[string]string{"team": h.payload}, "")) > 0 {
			continue // no file and no driver can have it
		}
		h.person = row(name, fmt.Sprintf("role: controller, scope: {team: %q}", h.payload))
		h.driver = row(name+"-d", fmt.Sprintf("role: driver, labels: {team: %q}", h.payload))
		all = append(all, h)
	}
	path := filepath.Join(t.TempDir(), "auth.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	g.server = startServer(t)
	g.Stop()
	g.Config.AuthFile = path
	g.Start()
	return g, all
}

// drives connects the driver of a payload, which rejects every command in its own words.
func (g *signedServer) drives(h hostile) {
	g.t.Helper()
	file := filepath.Join(g.t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(h.driver), 0o600); err != nil {
		g.t.Fatal(err)
	}
	connected, ended := make(chan struct{}, 9), make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	cfg := driver.Config{
		URL: g.url, DriverID: "d-" + h.name, Labels: map[string]string{"team": h.payload}, Version: h.payload,
		TokenFile: file, OnConnect: func(driver.Session) { connected <- struct{}{} },
		State:   func() driver.State { return driver.State{} },
		Metrics: func() map[string]float64 { return map[string]float64{h.payload: 1} },
	}
	go func() {
		ended <- driver.Run(ctx, cfg, driver.HandlerFunc(func(context.Context, driver.Command) error {
			return &driver.Rejection{Code: h.payload, Detail: h.payload}
		}))
	}()
	g.t.Cleanup(func() {
		stop()
		<-ended //nolint:errcheck // the end of a test
	})
	select {
	case <-connected:
	case err := <-ended:
		ended <- err
		g.t.Fatalf("%s does not connect: %v", h.name, err)
	}
}

const alive = `window.pwned !== undefined || document.querySelector('main script, main img, main iframe, #injected, ` +
	`main [onload], main [onfocus], main [onmouseover], a[href^=javascript], #who script, #who img') !== null`

// TestHostileTextsOfPeople: no text of a person's rights, of a driver with a token, of the address or of the sign-in
// form runs or creates an element.
func TestHostileTextsOfPeople(t *testing.T) {
	g, people := hostilePeople(t)
	live, cells := 0, 0
	for _, h := range people {
		g.drives(h)
		b := open(t)
		look := func(path string) {
			b.goTo(g.url + path)
			if cells++; eval[bool](b, alive) {
				live++
				t.Errorf("%s on %s is more than text", h.name, path)
			}
		}
		q := url.QueryEscape(h.payload)
		look("/ui/login?back=" + q + "&expired=" + q + "&" + q)
		look("/ui/login?back=/ui/drivers?q=" + q)
		for _, form := range []url.Values{
			{"token": {h.payload}, "back": {h.payload}, "carry": {h.payload}},
			{"token": {h.person + "x"}, "back": {"/ui/drivers?q=" + h.payload},
				"carry": {url.Values{"type": {h.payload}, "note": {h.payload}, "labels": {h.payload}}.Encode()}},
			{"token": {h.person}, "back": {"/ui/drivers?q=" + h.payload}, "carry": {url.Values{"type": {"set_players"},
				"players": {h.payload}, "scope": {"team=" + h.payload}, "note": {h.payload}}.Encode()}},
		} {
			b.submit("/ui/login", form)
			if cells++; eval[bool](b, alive) {
				live++
				t.Errorf("%s in the sign-in form is more than text", h.name)
			}
		}
		b.submit("/ui/commands", url.Values{"type": {"set_players"}, "players": {"3"}, "scope": {"team=" + h.payload},
			"labels": {""}, "note": {h.payload}})
		for _, path := range []string{"/", "/ui/drivers", "/ui/drivers/d-" + h.name, "/ui/commands", "/ui/commands/1",
			"/ui/heatmap", "/ui/nodes",
			"/ui/about", "/ui/stop", "/ui/login", "/ui/drivers?label=" + url.QueryEscape("team="+h.payload),
			"/ui/commands?submitter=" + q, "/ui/" + url.PathEscape(h.payload)} {
			look(path)
		}
	}
	t.Logf("%d of %d cells are more than text", live, cells)
}

// submit posts a form from the page that is open.
func (b *tab) submit(path string, values url.Values) {
	b.t.Helper()
	b.do(chromedp.WaitReady("#main"))
	eval[bool](b, fmt.Sprintf(`(() => {
		const form = document.createElement('form');
		Object.assign(form, {method: 'post', action: %q});
		for (const [name, value] of new URLSearchParams(%q)) {
			const i = document.createElement('textarea');
			Object.assign(i, {name, value});
			form.append(i);
		}
		document.body.append(form);
		globalThis.stillHere = true;
		setTimeout(() => HTMLFormElement.prototype.submit.call(form));
		return true;
	})()`, path, values.Encode()))
	b.leaves()
}
