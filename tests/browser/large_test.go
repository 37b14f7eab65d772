package browser

import (
	"fmt"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web"
	"github.com/swarmcall/swarmcall/web/webtest"
)

// TestFifteenThousandDrivers keeps the page of drivers usable: it says how long the first paint and a patch took, and fails
// only where that is beyond what a busy machine excuses.
func TestFifteenThousandDrivers(t *testing.T) {
	drivers := make([]swarm.Driver, 15_000)
	for i := range drivers {
		drivers[i] = webtest.Drivers()[0]
		drivers[i].ID = fmt.Sprintf("load-%05d", i)
	}
	s := webtest.NewSwarm(drivers, nil)
	url := fake(t, s, func(c *web.Config) { c.Tick = 500 * time.Millisecond })
	b := open(t)
	b.goTo(url + "/ui/drivers")
	b.live()
	b.says("#driver-pager", "1–100 of 15,000")
	paint := eval[float64](b, "performance.getEntriesByName('first-contentful-paint')[0].startTime")
	if paint > 5000 {
		t.Errorf("the first paint took %.0f ms", paint)
	}
	eval[bool](b, `(() => {
		window.longest = 0;
		new PerformanceObserver(l => l.getEntries().forEach(e => { window.longest = Math.max(window.longest, e.duration); })).observe({type: 'longtask'});
		window.changed = 0;
		new MutationObserver(() => { window.changed ||= performance.now(); }).observe(document.getElementById('driver-rows'), {subtree: true, childList: true, characterData: true, attributes: true});
		window.began = performance.now();
		return true;
	})()`)
	for i := range drivers { // every row of the page changes
		drivers[i].Reported.Players, drivers[i].State = int64(i), swarm.Stale
	}
	s.SetDrivers(drivers)
	b.says("#driver-rows", "stale")
	t.Logf("15,000 drivers: first contentful paint %.0f ms; a patch of all 100 rows was shown %.0f ms after the change, longest task %.0f ms",
		paint, eval[float64](b, "window.changed - window.began"), eval[float64](b, "window.longest"))
	if longest := eval[float64](b, "window.longest"); longest > 500 {
		t.Errorf("a patch kept the page busy for %.0f ms", longest)
	}
	b.goTo(url + "/ui/drivers?q=load-14&sort=id&page=2")
	b.says("#driver-pager", "Previous")
}
