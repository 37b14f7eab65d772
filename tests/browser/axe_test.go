package browser

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/internal/testenv"
	"github.com/swarmcall/swarmcall/web"
)

func axe(t testing.TB) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		testenv.SkipOrFail(t, "no axe-core: run npm ci in tests/browser")
	}
	return string(source)
}

// violation is a rule of axe that a page breaks, with where.
type violation struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Where []string `json:"where"`
}

// accessible fails the test for every rule of axe that the page breaks. The page's security policy blocks foreign
// scripts, so axe is injected through the DevTools protocol.
func (b *tab) accessible(axe, what string) {
	b.t.Helper()
	eval[bool](b, axe+"\n;true")
	found := eval[[]violation](b, `axe.run(document, {
		runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
	}).then(r => r.violations.map(v => ({
		id: v.id, help: v.help, where: v.nodes.map(n => n.html.slice(0, 200) + ' ' + (n.any[0]?.message ?? '')),
	})))`)
	for _, v := range found {
		b.t.Errorf("%s: axe: %s: %s\n%q", what, v.ID, v.Help, v.Where)
	}
}

// TestAccessible runs axe on every page, in both themes: with a full swarm, with an empty one, and while the log is
// unavailable.
func TestAccessible(t *testing.T) {
	source := axe(t)
	full := webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries()))
	full.SetNodes(webtest.Nodes()...)
	empty := webtest.NewSwarm(nil, nil)
	broken := webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries()))
	broken.Down(errors.New("disk"))
	states := []struct{ name, url string }{
		{"full", fake(t, full, nil)}, {"empty", fake(t, empty, nil)},
		{"error", fake(t, broken, func(c *web.Config) { c.Ready = failing })},
	}
	for _, state := range states {
		b := open(t)
		for _, p := range allPages {
			b.goTo(state.url + p.path)
			b.live()
			for _, theme := range []string{"light", "dark"} {
				b.scheme(theme)
				b.accessible(source, state.name+" "+p.name+" "+theme)
				if state.name != "full" {
					b.picture(state.name + "-" + p.name + "-" + theme)
				}
			}
		}
	}
}

// TestDialogsAreAccessible runs axe on the dialogs while they are open.
func TestDialogsAreAccessible(t *testing.T) {
	source := axe(t)
	url := fake(t, webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries())), nil)
	for _, key := range []string{"s", "?"} {
		b := open(t)
		b.goTo(url)
		b.live()
		b.keys(key)
		b.until("document.querySelector('dialog[open]')")
		b.accessible(source, key)
		b.picture(map[string]string{"s": "dialog-stop", "?": "dialog-help"}[key])
	}
}
