package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestOnlySomeDrivers does what docs/howto/teams.md says about the dashboard: the address of a filtered list, and a
// command for one team in the form.
func TestOnlySomeDrivers(t *testing.T) {
	s := startServer(t)
	s.drive("shop-1", "team", "shop", "region", "eu")
	s.drive("search-1", "team", "search", "region", "eu")
	b := open(t)
	b.goTo(s.url + "/ui/drivers?label=team=shop")
	b.live()
	b.says("#driver-rows", "shop-1")
	if rows := b.text("#driver-rows"); strings.Contains(rows, "search-1") {
		t.Errorf("the list of one team has the driver of another:\n%s", rows)
	}
	if filter := eval[string](b, "document.querySelector('input[name=label]').value"); filter != "team=shop" {
		t.Errorf("the filter has the label %q", filter)
	}

	b.goTo(s.url)
	b.live()
	b.says("#worst-rows", "search-1")
	b.do(chromedp.Click(".act summary"), chromedp.WaitVisible(".act input[name=labels]"))
	b.says(".act summary", "Only some drivers, note")
	b.do(chromedp.SetValue(".act input[name=labels]", "team=shop"))
	b.send("5")
	b.says(".act .result", "1 driver acked")
	b.says("#recent", "team=shop")
	var log struct {
		Items []struct {
			Target struct{ Labels map[string]string }
			Counts struct{ Targeted int }
		}
	}
	s.get("/commands?limit=10", &log)
	if len(log.Items) != 1 || log.Items[0].Target.Labels["team"] != "shop" || log.Items[0].Counts.Targeted != 1 {
		t.Errorf("the form sent %+v", log.Items)
	}
}
