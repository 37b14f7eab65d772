// Package browser tests the dashboard as people use it: in Chromium, with the keyboard, without scripts, in both
// themes.
//
// It needs Chromium (CHROME names it; otherwise the tests search for it) and, for axe, `npm ci` in this folder. Without
// them the tests are skipped on a developer's machine and fail where CI=true. Pictures are written to the folder
// SWARMCALL_PICTURES names.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// patience is how long a page may take for anything: the machine may be busy with other tests.
const patience = 2 * time.Minute

func chromePath(t testing.TB) string {
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

// browser is one Chromium for all tests of this package.
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
	os.Exit(code)
}

func start(path string) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		// a name of somebody else that leads to this machine
		chromedp.Flag("host-resolver-rules", "MAP evil.test 127.0.0.1"), chromedp.Flag("no-proxy-server", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, leave := chromedp.NewContext(allocator)
	browser.ctx, browser.cancel = ctx, func() { leave(); stop() }
	browser.err = chromedp.Do(ctx) // starts it
}

// tab is a page of the browser. It fails the test on every error that the page reports.
type tab struct {
	t        testing.TB
	ctx      context.Context
	complain chan string
}

func open(t testing.TB) *tab {
	t.Helper()
	path := chromePath(t)
	browser.Do(func() { start(path) })
	if browser.err != nil {
		t.Fatalf("Chromium does not start: %v", browser.err)
	}
	return newTab(t, browser.ctx, chromedp.WithNewBrowserContext())
}

// another opens one more tab of the same visitor.
func (b *tab) another() *tab {
	b.t.Helper()
	return newTab(b.t, b.ctx)
}

func newTab(t testing.TB, of context.Context, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(of, options...)
	b := &tab{t: t, ctx: ctx, complain: make(chan string, 100)}
	// Opens the tab; an empty target has no viewport to set.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("no tab: %v", err)
	}
	b.do(chromedp.EmulateViewport(1280, 900))
	var listening sync.WaitGroup
	listening.Go(func() { b.listen(ctx) })
	t.Cleanup(func() {
		cancel()
		listening.Wait()
		close(b.complain)
		for c := range b.complain {
			t.Errorf("the page complains: %s", c)
		}
	})
	return b
}

// listen collects exceptions, and what the browser refuses by the security policy.
func (b *tab) listen(ctx context.Context) {
	for m, err := range chromedp.Console(ctx) {
		if err != nil {
			return
		}
		if m.IsException() || m.Source == "security" {
			select {
			case b.complain <- m.String():
			default: // a hundred are enough
			}
		}
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v", err)
	}
}

func (b *tab) goTo(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url), chromedp.WaitReady("#main"))
}

// eval returns the value of an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits until an expression is true in the page, and reports the texts of the page if it does not become true. If
// the page is left during the wait, the wait ends with an error, and until continues on the next page.
func (b *tab) until(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	poll := chromedp.Poll[bool]("Boolean("+expression+")", chromedp.WithPollingInterval(50*time.Millisecond),
		chromedp.WithPollingTimeout(patience))
	for {
		_, err := chromedp.Run(ctx, poll)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			b.t.Fatalf("it never came true that %s: %v\nthe page says: %s", expression, err, b.text("body"))
		}
	}
}

// says waits until an element contains some words.
func (b *tab) says(selector, words string) {
	b.t.Helper()
	b.until(fmt.Sprintf(
		"[...document.querySelectorAll(%q)].some(e => e.textContent.replace(/\\s+/g, ' ').includes(%q))",
		selector, words))
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf("(document.querySelector(%q)?.innerText ?? '')", selector))
}

// keys presses keys one after the other.
func (b *tab) keys(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.do(chromedp.KeyEvent(k))
	}
}

func (b *tab) noScripts() {
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

func (b *tab) scheme(name string) {
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
}

// live waits until the page says that it is live.
func (b *tab) live() {
	b.t.Helper()
	b.until(`document.querySelector('#conn')?.dataset.state === 'live'`)
}

// picture writes what the page looks like.
func (b *tab) picture(name string) {
	b.t.Helper()
	dir := pictures()
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = errors.Join(os.MkdirAll(dir, 0o755),
			os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".png"), png, 0o600))
	}
	if err != nil {
		b.t.Errorf("no picture of %s: %v", name, err)
	}
}

func pictures() string { return os.Getenv("SWARMCALL_PICTURES") }

// call sends a command of the DevTools protocol to the tab.
func call[P, R any](b *tab, cmd cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, cmd, params); err != nil {
		b.t.Fatalf("%v", err)
	}
}
