package browser

import "testing"

// TestRestartRemembers: after a restart the page warns of the driver that was lost and not of the one that had
// deregistered, and the chart has the earlier points, with a gap where the server did not run.
func TestRestartRemembers(t *testing.T) {
	s, b := atWork(t)
	left, lost := s.drive("left"), s.drive("lost")
	s.curl(setPlayers(6))
	b.says("#hero", "3 of 3 drivers run 18 of 18 players")
	left.quit()
	b.says("#hero", "2 of 2 drivers run 12 of 12 players")
	lost.net.Freeze()
	b.says("#strip", "1 stale")
	const points = "(document.querySelector('[data-layer=actual]').getAttribute('d').match(/[ML]/g) ?? []).length"
	b.until(points + " >= 3")
	s.Stop()
	b.says("#conn-word", "Reconnecting (stale since")
	s.Start()
	b.goTo(s.url)
	b.live()
	b.says("#strip", "1 active")
	b.says("#hero", "1 driver not reconnected since the server started may still be running players")
	b.says("#hero", "not reconnected: lost")
	b.until("document.querySelectorAll('[data-layer=holes] rect').length >= 1")
	if got := eval[string](b, "document.querySelector('#hero').textContent"); len(got) == 0 ||
		eval[bool](b, "document.querySelector('#hero').textContent.includes('left')") {
		t.Errorf("the page warns of a driver that had left in order: %s", got)
	}
	if n := eval[int](b,
		"(document.querySelector('[data-layer=actual]').getAttribute('d').match(/M/g) ?? []).length"); n < 2 {
		t.Errorf("the line has %d parts", n)
	}
	b.looks("restart-overview")
}
