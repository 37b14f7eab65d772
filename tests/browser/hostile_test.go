package browser

import (
	"net/url"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
)

// TestHostileTexts checks in the browser that no payload runs or creates an element, on any page or through any patch.
func TestHostileTexts(t *testing.T) {
	b := open(t)
	for name, payload := range webtest.Payloads {
		address := fake(t, webtest.Hostile(payload), nil)
		for _, path := range []string{"/", "/ui/commands/1", "/ui/drivers", "/ui/drivers/" + url.PathEscape(payload),
			"/ui/heatmap", "/ui/nodes"} {
			b.goTo(address + path)
			b.live()
			if eval[bool](b, `window.pwned !== undefined || document.querySelector('main script, main img, main iframe, #injected, main [onload], main [onfocus], main [onmouseover], a[href^=javascript]') !== null`) {
				t.Errorf("%s on %s is more than text", name, path)
			}
		}
	}
}
