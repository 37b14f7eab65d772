package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
)

var allPages = []struct{ name, path string }{
	{"overview", "/"}, {"commands", "/ui/commands"}, {"command", "/ui/commands/14"}, {"drivers", "/ui/drivers"},
	{"driver", "/ui/drivers/d-4"},
	{"heatmap", "/ui/heatmap"}, {"nodes", "/ui/nodes"}, {"about", "/ui/about"}, {"stop", "/ui/stop"},
}

// TestPages opens every page in both themes, also in the narrowest window: it must load, and not be wider than the
// window.
func TestPages(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries()))
	s.SetNodes(webtest.Nodes()...)
	url := fake(t, s, nil)
	b := open(t)
	for _, p := range allPages {
		for _, width := range []int64{1280, 320} {
			b.do(chromedp.EmulateViewport(width, 900))
			b.goTo(url + p.path)
			b.live()
			if over := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("%s: the page is %d pixels wider than the window of %d", p.name, over, width)
			}
			for _, theme := range []string{"light", "dark"} {
				b.scheme(theme)
				b.picture(fmt.Sprintf("%s-%s-%d", p.name, theme, width))
			}
		}
	}
}

// TestStripStaysInView scrolls the narrowest page to its end: the state of the swarm and Stop stay visible, and do not
// fill the window.
func TestStripStaysInView(t *testing.T) {
	b := open(t)
	b.do(chromedp.EmulateViewport(320, 640))
	b.goTo(fake(t, webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries())), nil))
	b.live()
	eval[bool](b, "(scrollTo(0, document.body.scrollHeight), true)")
	b.until("scrollY > 500")
	const box = "document.querySelector('.strip').getBoundingClientRect()"
	if top := eval[float64](b, box+".top"); top != 0 {
		t.Errorf("the strip is at %v", top)
	}
	if height := eval[float64](b, box+".height"); height > 160 {
		t.Errorf("the strip is %v pixels high", height)
	}
	if !eval[bool](b, "(r => r.top > 0 && r.bottom <= "+
		"innerHeight)(document.getElementById('stop-open').getBoundingClientRect())") {
		t.Error("Stop is out of view")
	}
}
