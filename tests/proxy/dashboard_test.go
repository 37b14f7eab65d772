package proxy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// browser is one Chromium for all tests of this package. It resolves the name of the proxies.
var browser struct {
	sync.Once
	ctx    context.Context
	cancel context.CancelFunc
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if browser.cancel != nil {
		browser.cancel()
	}
	removeBinaries()
	os.Exit(code)
}

func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CHROME"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	testenv.SkipOrFail(t, "no Chromium: install the package chromium, or name the binary in CHROME")
	return ""
}

// tab is a page of the browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func open(t *testing.T) tab {
	t.Helper()
	path := chromium(t)
	browser.Do(func() {
		options := append(
			chromedp.DefaultExecAllocatorOptions[:],
			chromedp.ExecPath(path),
			chromedp.NoSandbox,
			chromedp.DisableGPU,
			chromedp.Flag("disable-quic", true),
			chromedp.Flag("disable-component-update", true),
			chromedp.Flag("ignore-certificate-errors", true),
			chromedp.Flag("host-resolver-rules", "MAP "+name+" 127.0.0.1"),
		)
		allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, leave := chromedp.NewContext(allocator)
		browser.ctx, browser.cancel = ctx, func() { leave(); stop() }
		browser.err = chromedp.Do(ctx) // starts it
	})
	if browser.err != nil {
		t.Fatalf("Chromium does not start: %v", browser.err)
	}
	ctx, cancel := chromedp.NewContext(browser.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(
		ctx,
		chromedp.Navigate("about:blank"),
	); err != nil { // the first use of a context opens the tab, which lives as long as it
		t.Fatalf("no tab: %v", err)
	}
	return tab{t, ctx}
}

func (b tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v", err)
	}
}

// until waits until an expression is true in the page. If the page is left during the wait, the wait ends with an
// error, and until continues on the next page.
func (b tab) until(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	poll := chromedp.Poll[bool](
		"Boolean("+expression+")",
		chromedp.WithPollingInterval(50*time.Millisecond),
		chromedp.WithPollingTimeout(patience),
	)
	for {
		_, err := chromedp.Run(ctx, poll)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			text := eval[string](b, "document.documentElement.innerText")
			b.t.Fatalf("it never came true that %s: %v\nthe page says: %s", expression, err, text)
		}
	}
}

// says waits until an element contains some words.
func (b tab) says(selector, words string) {
	b.t.Helper()
	b.until(
		fmt.Sprintf(
			"[...document.querySelectorAll(%q)].some(e => e.textContent.replace(/\\s+/g, ' ').includes(%q))",
			selector,
			words,
		),
	)
}

func eval[T any](b tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// live waits until the page is live, and no longer says that it is not.
func (b tab) live() {
	b.t.Helper()
	b.until(`document.querySelector('#conn')?.dataset.state === 'live' && !document.getElementById('not-live')`)
}

// dashboard checks that the dashboard is live through the proxy, has its style, and commands the swarm.
func (w *world) dashboard() {
	w.t.Helper()
	b := open(w.t)
	b.do(chromedp.Navigate(w.at + "/"))
	b.live()
	if family := eval[string](b, "getComputedStyle(document.body).fontFamily"); family == "" ||
		eval[bool](b, "document.styleSheets.length < 3") {
		w.t.Errorf("the page has no style: %q", family)
	}
	seq := w.command(`{"submitter": "ci", "command": {"type": "set_players", "players": 7}, "deadline_ms": 20000}`)
	b.says("#recent", "7 players each") // a patch, drawn by the script
	b.until(
		fmt.Sprintf("[...document.querySelectorAll('#recent a')].some(a => a.href === '%s/ui/commands/%d')", w.at, seq),
	)
	b.do(chromedp.Click("#stop-open"), chromedp.WaitVisible("#stop-dialog .stop"), chromedp.Click("#stop-dialog .stop"))
	b.says("#hero", "1 of 1 drivers report 0 players")
	b.do(chromedp.Navigate(w.at + "/ui/drivers/d-1"))
	b.live()
	b.do(chromedp.Click("#theme button"))
	b.until("document.documentElement.dataset.theme && document.cookie.includes('swarmcall_theme')")
}

// refusedStop checks that the dialog says which flag is missing.
func (w *world) refusedStop(flag string) {
	w.t.Helper()
	b := open(w.t)
	b.do(chromedp.Navigate(w.at + "/"))
	b.live() // assets and reads need no Origin
	b.do(chromedp.Click("#stop-open"), chromedp.WaitVisible("#stop-dialog .stop"), chromedp.Click("#stop-dialog .stop"))
	b.says("#stop-dialog .result", flag)
}
