package view

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Who is the signed-in visitor of a page.
type Who struct {
	Name, Role string
	Scope      string // "team=shop"; "" without a scope
	Expires    Moment // when the sign-in expires; the zero Moment: never
	Left       string // the time until then; "" if it does not expire
}

// NewWho shows a principal.
func NewWho(p swarm.Principal, now time.Time) Who {
	w := Who{Name: p.Name, Role: string(p.Role), Scope: strings.Join(Labels(p.Scope), ", "), Expires: At(p.Expires)}
	if !p.Expires.IsZero() {
		w.Left = Age(p.Expires.Sub(now))
	}
	return w
}

// Facts are the lines about the visitor on the About page.
func (w Who) Facts() []Figure {
	scope, expires := w.Scope, w.Expires.ISO
	if scope == "" {
		scope = "none: all drivers"
	}
	if expires == "" {
		expires = "never"
	}
	return []Figure{{"Name", w.Name}, {"Role", w.Role}, {"Scope", scope}, {"Expires", expires}}
}

// Rights says which forms of a page its visitor may use. Live parts of a page are rendered once for all visitors, so
// only whole pages depend on Rights.
type Rights struct{ of swarm.Principal }

// NewRights returns the rights of a principal. The zero Rights are those of nobody.
func NewRights(p swarm.Principal) Rights { return Rights{p} }

// Scope returns the labels that the target of each command of the visitor must have, each as key=value.
func (r Rights) Scope() []string { return Labels(r.of.Scope) }

// NoLoad says why the visitor may not change the load; it is "" if they may.
func (r Rights) NoLoad() string { return r.no(command.SetPlayers, r.of.Scope) }

// NoStop says why the visitor may not stop drivers; it is "" if they may.
func (r Rights) NoStop() string { return r.no(command.Stop, r.of.Scope) }

// NoRetry says why the visitor may not send a command again whose target had these labels.
func (r Rights) NoRetry(t command.Type, labels map[string]string) string { return r.no(t, labels) }

// Outside says why the visitor may not command a driver with these labels, because of the scope; it is "" if they may.
func (r Rights) Outside(labels map[string]string) string {
	if (swarm.Target{Labels: r.of.Scope}).Matches("", labels) {
		return ""
	}
	return fmt.Sprintf("This driver is outside the scope of %s: it does not have the labels %s.",
		r.of.Name, strings.Join(r.Scope(), ", "))
}

func (r Rights) no(t command.Type, labels map[string]string) string {
	err := r.of.MaySubmit(t, swarm.Target{Labels: labels})
	if e, ok := errors.AsType[*swarm.Error](err); ok {
		return denied(e)
	}
	return ""
}

// denied says in the terms of the pages why a principal may not do something. The detail of err uses the terms of the
// API, and starts with a name, which keeps its case.
func denied(err *swarm.Error) string {
	if labels, ok := err.Attrs["labels"].(map[string]string); ok && err.Code == swarm.CodeOutsideScope {
		return "The target must have the labels of your scope: " + strings.Join(Labels(labels), ", ") + "."
	}
	return Sentence(err.Detail)
}

// Sentence ends a text with one full stop.
func Sentence(s string) string { return strings.TrimSuffix(s, ".") + "." }
