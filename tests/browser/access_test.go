package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

// guarded serves a made-up swarm to people who must sign in: their token is swc_ and their name.
func guarded(t testing.TB) (*webtest.Swarm, *webtest.Access, string) {
	t.Helper()
	people := map[string]swarm.Principal{}
	for _, p := range []swarm.Principal{
		{Name: "wall-screen", Role: swarm.RoleViewer}, {Name: "on-call", Role: swarm.RoleStopper},
		{Name: "alice", Role: swarm.RoleController}, {Name: "eu-drivers", Role: swarm.RoleDriver},
		{Name: "ci-nightly", Role: swarm.RoleController, Scope: map[string]string{"region": "eu", "zone": "1"}},
	} {
		people["swc_"+p.Name] = p
	}
	s, access := webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries()[1:])), webtest.NewAccess(people)
	url := fakeRouted(t, s, func(c *web.Config) {
		c.Access, c.SessionCookie = access, webtest.SessionCookie
	}, func(ui *web.UI) http.Handler { return headers(access.Router(ui)) })
	return s, access, url
}

// signIn types a token on the sign-in page, which must be open. The field has the focus already.
func (b *tab) signIn(name string) {
	b.t.Helper()
	b.until("document.activeElement?.id === 'token'")
	b.keys("swc_"+name, kb.Enter)
}

// as opens the overview as somebody.
func (b *tab) as(url, name string) {
	b.t.Helper()
	b.goTo(url + "/ui/login")
	eval[bool](b, "(document.getElementById('token').focus(), true)")
	b.signIn(name)
	b.says("#who", name)
	b.live()
}

// TestSignInWithTheKeyboard signs in, goes back to the page that was requested, and signs out.
func TestSignInWithTheKeyboard(t *testing.T) {
	_, _, url := guarded(t)
	b := open(t)
	b.goTo(url + "/ui/drivers?state=stale")
	if title := b.text("h1"); title != "Sign in" {
		t.Fatalf("the first page is %q", title)
	}
	b.signIn("nobody")
	b.says("#token-error", "This token is not valid")
	b.until("document.getElementById('token').value === ''")
	b.signIn("ci-nightly")
	b.says("#who", "ci-nightly · controller · scope region=eu, zone=1 · expires in 8 h")
	b.says("#driver-rows", "d-4")
	b.live()
	b.do(chromedp.Click("#who button"), chromedp.WaitVisible("#token"))
	b.goTo(url)
	b.until("document.getElementById('token')")
}

// TestSessionEndsOnAnOpenPage: the page says so, keeps what was typed, and goes on after a sign-in in another tab.
func TestSessionEndsOnAnOpenPage(t *testing.T) {
	s, access, url := guarded(t)
	b := open(t)
	b.as(url, "alice")
	eval[bool](b, `(i => { i.focus(); i.value = ''; return true; })(document.querySelector('input[name=players]'))`)
	b.keys("4", "2")
	access.End()
	b.says("#conn", "Signed out (stale since")
	b.until("document.body.classList.contains('stale') && !document.getElementById('sign-in').hidden")
	b.says("#assertive", "You are signed out")
	b.picture("signed-out")
	b.accessible(axe(t), "signed out")
	b.keys(kb.Enter)
	b.says(".act .result", "Signed out: sign in again, then use this button again. Nothing was sent. Sign in (new tab)")
	link := eval[[]string](b, "(a => [a.target, a.pathname + a.search])(document.querySelector('.act .result a'))")
	if link[0] != "_blank" || link[1] != "/ui/login?back=%2F" {
		t.Errorf("the link is %v", link)
	}
	if len(s.Submissions()) != 0 {
		t.Error("the command was sent")
	}
	other := b.another()
	other.goTo(url + link[1])
	other.signIn("alice")
	other.live()
	b.live()
	b.says("#assertive", "You are signed in again")
	if typed := eval[string](b, "document.querySelector('input[name=players]').value"); typed != "42" {
		t.Errorf("the field has %q", typed)
	}
	b.until("document.getElementById('sign-in').hidden && !document.getElementById('not-live')")
	eval[bool](b, `(document.querySelector('input[name=players]').focus(), true)`)
	b.keys(kb.Enter)
	b.says(".act .result", "3 of 5 drivers acked")
	if sent := s.Submissions(); len(sent) != 1 || sent[0].Command.Value != 42 || sent[0].Submitter != "alice" {
		t.Errorf("%+v was sent", sent)
	}
}

// TestAnotherPersonSignsIn: open pages show the controls of the new visitor, also those outside the live parts.
func TestAnotherPersonSignsIn(t *testing.T) {
	s, access, url := guarded(t)
	b := open(t)
	b.as(url, "alice")
	if eval[bool](b, "document.querySelector('fieldset.rights').disabled") {
		t.Fatal("the forms of a controller are disabled")
	}
	other := b.another()
	other.as(url, "wall-screen")
	access.End()
	other.as(url, "wall-screen")
	b.says("#who", "wall-screen · viewer")
	b.until("document.querySelector('fieldset.rights').disabled && document.getElementById('stop-open').disabled")
	b.says("#no-load", "wall-screen has the role viewer; this needs the role controller.")
	// A live update of the forms leaves them disabled.
	submit(t, s, 7)
	b.says("#last", "7 players each")
	b.until("document.querySelector('#acts input[name=players]').matches(':disabled')")
	other.as(url, "ci-nightly")
	access.End()
	other.as(url, "ci-nightly")
	b.says("#who", "ci-nightly")
	b.until("!document.querySelector('#acts input[name=players]').matches(':disabled')")
	b.keys("s")
	b.says("#stop-title", "Stop the drivers with region=eu, zone=1?")
	b.says("#stop-scope", "This affects 1 driver, 7 players reported.")
	b.keys(kb.Enter)
	b.says("#stop-dialog .result", "1 driver acked")
	sent := s.Submissions()
	if last := sent[len(sent)-1]; last.Target.Labels["zone"] != "1" || last.Submitter != "ci-nightly" {
		t.Errorf("%+v was sent", last)
	}
}

// TestStopDialogOfAViewer: the key opens it, and it says why Stop is disabled.
func TestStopDialogOfAViewer(t *testing.T) {
	s, _, url := guarded(t)
	b := open(t)
	b.as(url, "wall-screen")
	b.keys("s")
	b.until("document.querySelector('#stop-dialog[open] .stop').disabled")
	b.says("#stop-dialog-why", "wall-screen has the role viewer; this needs the role stopper.")
	b.accessible(axe(t), "the Stop dialog of a viewer")
	b.picture("dialog-stop-viewer")
	b.keys(kb.Enter)
	if len(s.Submissions()) != 0 {
		t.Error("a viewer has stopped the swarm")
	}
}

// TestSessionEndsWithoutScripts: the form is shown again after the sign-in, and is sent only by its button.
func TestSessionEndsWithoutScripts(t *testing.T) {
	s, access, url := guarded(t)
	b := open(t)
	b.noScripts()
	b.goTo(url)
	b.do(chromedp.SendKeys("#token", "swc_ci-nightly"+kb.Enter), chromedp.WaitReady("#who"))
	access.End()
	b.do(chromedp.SetValue("#acts input[name=players]", "42"), chromedp.Click("#acts .button"),
		chromedp.WaitVisible("#token"))
	b.picture("signed-out-form")
	if says := b.text("main"); !strings.Contains(says, "You are signed out. Nothing was sent.") {
		t.Errorf("the page says %q", says)
	}
	b.do(chromedp.SendKeys("#token", "swc_ci-nightly"+kb.Enter), chromedp.WaitVisible(".act .button"))
	b.picture("signed-in-form")
	if says := b.text("main"); !strings.Contains(says, "Nothing has been sent yet.") || !strings.Contains(says, "region=eu, zone=1") ||
		len(s.Submissions()) != 0 {
		t.Errorf("the page says %q, %d commands were sent", says, len(s.Submissions()))
	}
	b.do(chromedp.Click(".act .button"), chromedp.WaitReady("#facts"))
	if sent := s.Submissions(); len(sent) != 1 || sent[0].Command.Value != 42 || sent[0].Target.Labels["zone"] != "1" {
		t.Errorf("%+v was sent", sent)
	}
}

// TestAccessPages looks at the pages of people with few rights, and at those for signing in: in both themes and in the
// narrowest window.
func TestAccessPages(t *testing.T) {
	source := axe(t)
	_, access, url := guarded(t)
	b := open(t)
	look := func(name string) {
		t.Helper()
		for _, width := range []int64{1280, 320} {
			b.do(chromedp.EmulateViewport(width, 900))
			if over := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("%s: the page is %d pixels wider than the window of %d", name, over, width)
			}
			for _, theme := range []string{"light", "dark"} {
				b.scheme(theme)
				b.accessible(source, fmt.Sprintf("%s %s %d", name, theme, width))
				b.picture(fmt.Sprintf("access-%s-%s-%d", name, theme, width))
			}
		}
		b.do(chromedp.EmulateViewport(1280, 900))
	}
	b.goTo(url)
	look("sign-in")
	b.signIn("nobody")
	b.says("#token-error", "not valid")
	look("wrong-token")
	b.signIn("eu-drivers")
	b.says("#token-error", "opens no pages")
	look("driver-token")
	for _, name := range []string{"wall-screen", "on-call", "ci-nightly"} {
		b.as(url, name)
		for _, p := range []struct{ name, path string }{
			{"overview", "/"}, {"driver", "/ui/drivers/d-1"}, {"command", "/ui/commands/14"}, {"about", "/ui/about"},
			{"stop", "/ui/stop"}, {"login", "/ui/login"},
		} {
			b.goTo(url + p.path)
			if p.name != "login" {
				b.live()
			}
			look(name + "-" + p.name)
		}
		access.End()
	}
}
