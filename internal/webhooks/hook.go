package webhooks

import (
	"net/url"
	"reflect"
	"slices"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// hook is one row of the file.
type hook struct {
	name    string
	url     *url.URL
	secrets [][]byte          // one or two: each signs, so that a secret can be replaced
	events  []string          // nil: all
	labels  map[string]string // nil: those of every command
}

// same reports whether two rows are equal.
func (h *hook) same(other *hook) bool { return reflect.DeepEqual(h, other) }

// endpoint shows where a hook sends to. The rest of a URL often has a secret, so it is never shown.
func (h *hook) endpoint() string { return h.url.Scheme + "://" + h.url.Host }

// wants reports whether a hook gets a record. Labels select by the target of the record's command: it is wanted if a
// driver with these labels could match the target. So a hook for one team also gets a Stop of all drivers, and commands
// to drivers by their ids. A record without a target is wanted too, because it may concern every driver.
func (h *hook) wants(e *swarm.Event) bool {
	name, _ := nameOf(e.Record)
	if name == "" || len(h.events) > 0 && !slices.Contains(h.events, name) {
		return false
	}
	target, ok := targetOf(e)
	return !ok || target.Overlaps(swarm.Target{Labels: h.labels})
}

// targetOf returns the target that a record is about; ok is false if it has none, or if its command is lost.
func targetOf(e *swarm.Event) (t swarm.Target, ok bool) {
	if r, expired := e.Record.(*swarm.Expired); expired {
		return r.Target, true
	}
	if e.Issued == nil {
		return swarm.Target{}, false
	}
	return e.Issued.Target, true
}
