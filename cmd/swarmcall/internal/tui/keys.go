package tui

import (
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

// key handles a key: in a question, in the filter, or elsewhere.
func (m *model) key(k string) tea.Cmd {
	switch {
	case k == "ctrl+c":
		return tea.Quit
	case m.confirming:
		m.confirming = false
		if k == "y" || k == "enter" {
			m.message = "stopping…"
			return m.stop
		}
		m.message = "not stopped"
		return nil
	case m.filtering:
		m.editFilter(k)
		return nil
	case m.helping:
		m.helping = false
		return nil
	}
	if k == "esc" && m.filter != "" {
		m.filter = ""
		return nil
	}
	switch k {
	case "q", "esc":
		return tea.Quit
	case "p", "space":
		m.paused = !m.paused
	case "/":
		m.filtering, m.filter = true, ""
	case "?":
		m.helping = true
	case "s":
		m.confirming, m.message = true, ""
	}
	return nil
}

func (m *model) editFilter(k string) {
	switch k {
	case "enter":
		m.filtering = false
	case "esc":
		m.filtering, m.filter = false, ""
	case "backspace":
		_, n := utf8.DecodeLastRuneInString(m.filter)
		m.filter = m.filter[:len(m.filter)-n]
	default:
		if utf8.RuneCountInString(k) == 1 {
			m.filter += k
		}
	}
}

func stopText(s stopped) string {
	if remote.NothingToStop(s.err) {
		return "nothing to stop: there are no drivers"
	}
	if s.err != nil {
		return "NOT STOPPED: " + s.err.Error()
	}
	text := verdict.Sentence(s.entry)
	for _, line := range verdict.Blame(s.entry, 3) {
		text += " · " + line
	}
	return text
}
