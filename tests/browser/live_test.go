package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

func submit(t testing.TB, s *webtest.Swarm, players int64) {
	t.Helper()
	c := swarm.Command{Type: command.SetPlayers, Value: players}
	if _, err := s.Submit(t.Context(), swarm.Submission{Submitter: "ci", Command: c,
		Deadline: swarm.MaxDeadline}); err != nil {
		t.Fatal(err)
	}
}

// TestWithoutScripts uses the dashboard with links and forms only.
func TestWithoutScripts(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries()))
	url := fake(t, s, nil)
	b := open(t)
	b.noScripts()
	b.goTo(url)
	b.picture("no-scripts")
	b.do(chromedp.SetValue("input[name=players]", "42"), chromedp.Submit("input[name=players]"),
		chromedp.WaitVisible("#facts"))
	b.do(chromedp.Click("#stop-open"), chromedp.WaitVisible("#stop-what-now"), chromedp.Click(".narrow button"),
		chromedp.WaitVisible("#facts"))
	b.do(chromedp.Click("#theme button"), chromedp.WaitVisible("html[data-theme=dark] #facts"))
	got := s.Submissions()
	if len(got) != 2 || got[0].Command.Value != 42 || got[1].Command.Type != command.Stop {
		t.Errorf("the forms submitted %+v", got)
	}
}

// TestNewRowsWait: rows that are being read do not move.
func TestNewRowsWait(t *testing.T) {
	s, b := visit(t, "/ui/commands")
	submit(t, s, 1)
	submit(t, s, 2)
	b.says("#more-new", "Show 2 new")
	if first := eval[string](b, "document.querySelector('#command-rows tr').id"); first != "c-16" {
		t.Errorf("the first row is %s", first)
	}
	b.do(chromedp.Click("#more-new"))
	b.until("document.querySelector('#command-rows tr').id === 'c-19' && document.getElementById('more-new').hidden")
}

// TestPause holds updates back, shows how many there are, and applies them at the end; focus and open details stay.
func TestPause(t *testing.T) {
	s, b := visit(t, "/")
	eval[bool](b, "document.querySelector('.act details').open = true")
	b.do(chromedp.Focus("#last a"))
	b.keys("p")
	submit(t, s, 77)
	b.says("#conn-word", "Paused · +")
	b.says("#conn-word", "since")
	b.until("document.body.classList.contains('stale')")
	if eval[bool](b, "document.querySelector('#recent').textContent.includes('77 players')") {
		t.Error("the page changed while it was paused")
	}
	s.SetDrivers(webtest.Drivers()[:2])
	b.says("#stop-what", "2 drivers") // Stop names the present drivers even while paused
	b.keys("p")
	b.until("!document.body.classList.contains('stale')")
	b.says("#recent", "77 players each")
	const kept = "document.querySelector('.act details').open && document.activeElement.closest('#last') !== null"
	if !eval[bool](b, kept) {
		t.Error("the focus, or what was open, is lost")
	}
}

// field is the value of the field for players.
const field = "document.querySelector('input[name=players]').value"

// TestPlayersField: the field follows the load until the visitor types in it, and then keeps the typed value.
func TestPlayersField(t *testing.T) {
	s, b := visit(t, "/")
	submit(t, s, 77)
	b.until(field + " === '77'")
	b.do(chromedp.Focus("input[name=players]"))
	b.keys("5")
	typed := eval[string](b, field)
	submit(t, s, 88)
	b.says("#recent", "88 players each")
	b.until("document.querySelector('input[name=players]').defaultValue === '88'")
	if now := eval[string](b, field); now != typed {
		t.Errorf("the field has %q; %q was typed", now, typed)
	}
	b.keys(kb.Enter)
	b.says(".act .result", "3 of 5 drivers acked")
	submit(t, s, 99)
	b.until(field + " === '99'") // the typed value was sent, and the field follows the server again
}

// TestPlayersInAll: the page never turns a number per driver into a total, or a total into a number per driver.
func TestPlayersInAll(t *testing.T) {
	s, b := visit(t, "/")
	submit(t, s, 77)
	b.until(field + " === '77'")
	choose := func(per string) {
		eval[bool](b, `(s => { s.value = "`+per+`"; return s.dispatchEvent(new Event('input', {bubbles: true})); })`+
			`(document.querySelector("select[name=per]"))`)
	}
	choose("total")
	submit(t, s, 88)
	b.until("document.querySelector('input[name=players]').defaultValue === '88'")
	if now := eval[string](b, field); now != "" {
		t.Errorf("in all, the field has %q", now)
	}
	choose("")
	b.until(field + " === '88'")
}

// TestManyNewRows: the page shows no exact count when it cannot know it.
func TestManyNewRows(t *testing.T) {
	s, b := visit(t, "/ui/commands")
	for i := range 60 {
		submit(t, s, int64(i))
	}
	b.says("#more-new", "Show 50+ new")
}

// TestCopied: the button confirms the copy, and can then be used again.
func TestCopied(t *testing.T) {
	_, b := visit(t, "/ui/commands/14")
	eval[bool](b, "(navigator.clipboard.writeText = async () => {}, true)")
	b.until("document.querySelector('[data-copy]:not([hidden])')")
	b.do(chromedp.Click("[data-copy]"))
	b.says("[data-copy]", "Copied")
	b.until("document.querySelector('[data-copy]').textContent === 'Copy'")
}

// TestKeyboard reaches everything without a mouse, and switches the single keys off.
func TestKeyboard(t *testing.T) {
	s, b := visit(t, "/")
	for _, to := range []struct{ key, path string }{{"c", "/ui/commands"}, {"d", "/ui/drivers"}, {"h", "/ui/heatmap"},
		{"n", "/ui/nodes"}, {"o", "/"}} {
		b.keys("g", to.key)
		b.until("location.pathname === '" + to.path + "' && document.readyState === 'complete'")
		b.live()
	}
	b.keys("g", "h")
	b.until("location.pathname === '/ui/heatmap'")
	b.live()
	b.keys("j", "j")
	b.until("document.activeElement.closest('.heat tbody tr:nth-child(2) th')")
	b.keys("g", "d")
	b.until("location.pathname === '/ui/drivers'")
	b.live()
	b.keys("j", "j", "k", kb.Enter)
	b.until("location.pathname === '/ui/drivers/d-5'")
	b.live()
	b.do(chromedp.Focus("input[name=players]"))
	b.keys("s")
	if eval[bool](b, "document.getElementById('stop-dialog').open") {
		t.Error("a letter in a field is a shortcut")
	}
	b.keys(kb.Escape, "s")
	b.until("document.getElementById('stop-dialog').open")
	b.keys(kb.Escape)
	b.until("!document.getElementById('stop-dialog').open")
	b.keys("t")
	b.until("document.documentElement.dataset.theme === 'dark' && document.cookie.includes('swarmcall_theme=dark')")
	b.keys("?")
	b.until("document.getElementById('help-dialog').open")
	b.do(chromedp.Click("#keys-on"))
	b.keys(kb.Escape, "s")
	if eval[bool](b, "document.getElementById('stop-dialog').open") {
		t.Error("a single key works though they are switched off")
	}
	if n := len(s.Submissions()); n != 0 {
		t.Errorf("%d commands were sent", n)
	}
}

// TestChartValues reads the chart with the arrow keys.
func TestChartValues(t *testing.T) {
	_, b := visit(t, "/")
	b.until("document.querySelector('[data-layer=actual]').getAttribute('d').includes('L')")
	b.do(chromedp.Focus(".chart svg"))
	b.keys(kb.End)
	b.says(".readout", "of 600 players")
	b.keys(kb.Home)
	b.until("document.querySelector('[data-layer=cursor]').getAttribute('d') !== ''")
}

// TestManyTabs opens eight tabs of one browser over HTTP/1.1: they share one stream, so the last of them still loads
// and updates.
func TestManyTabs(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries()))
	url := fake(t, s, nil)
	first := open(t)
	first.goTo(url)
	first.live()
	tabs := []*tab{first}
	for range 7 {
		b := first.another()
		b.goTo(url + "/ui/commands")
		b.live()
		tabs = append(tabs, b)
	}
	submit(t, s, 88)
	first.says("#recent", "88 players each")
	tabs[7].says("#more-new", "Show 1 new")
}

// TestLargeNumberIsConfirmed: the page asks before it sends a number that is more than ten times the present one.
func TestLargeNumberIsConfirmed(t *testing.T) {
	s, b := visit(t, "/")
	b.send("1201")
	b.until("document.getElementById('sure-dialog').open")
	b.picture("dialog-sure")
	b.keys(kb.Enter) // the focus is on No
	b.until("!document.getElementById('sure-dialog').open")
	b.send("1200")
	b.says(".act .result", "3 of 5 drivers acked")
	if got := s.Submissions(); len(got) != 1 || got[0].Command.Value != 1200 {
		t.Errorf("the form submitted %+v", got)
	}
}

// send fills in the form for players and sends it, as Enter in the field does.
func (b *tab) send(players string) {
	b.t.Helper()
	eval[bool](b, `(i => { i.value = "`+players+`"; i.form.requestSubmit(); return true; })`+
		`(document.querySelector("input[name=players]"))`)
}

// TestLogIsFull: the page disables commands that would be refused, shows the reason, and leaves Stop enabled.
func TestLogIsFull(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries()))
	b := open(t)
	b.goTo(fake(t, s, func(c *web.Config) { c.Ready = failing }))
	b.live()
	b.says("#trouble", "the log is full")
	b.says("#acts", "You can still try Stop")
	if !eval[bool](b, "[...document.querySelectorAll('.act button')].every(b => b.disabled) && "+
		"!document.querySelector('#stop-dialog .stop').disabled") {
		t.Error("the buttons are not as they should be")
	}
	b.picture("state-8-read-only")
}
