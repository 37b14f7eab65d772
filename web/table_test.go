package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/swarmcall/swarmcall/command"
)

// TestEveryCommandTypeHasAForm: the form of each row sends the command that was typed.
func TestEveryCommandTypeHasAForm(t *testing.T) {
	for _, r := range command.Table() {
		for _, per := range []string{"", "total"} {
			c := command.Command{Type: r.Type, Total: per == "total"}
			form := url.Values{"type": {string(r.Type)}, "per": {per}}
			if per == "total" && r.Total == "" {
				continue
			}
			if r.HasValue() {
				c.Value = 7
				form.Set(r.Value, r.Number(7))
			}
			s, server := full(t)
			if a, body := post(t, server.URL+"/ui/commands", form, nil); a.StatusCode != http.StatusSeeOther {
				t.Fatalf("%s: %d %s", c, a.StatusCode, body)
			}
			if sent := s.Submissions(); len(sent) != 1 || sent[0].Command != c {
				t.Errorf("%s: %+v was sent", c, sent)
			}
		}
	}
}
