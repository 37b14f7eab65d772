package view

import "github.com/swarmcall/swarmcall/internal/swarm"

// Outcome is what a page is told about the command it sent.
type Outcome struct {
	OK    bool   `json:"ok"`
	Tone  Tone   `json:"tone"`
	Says  string `json:"says"`
	URL   string `json:"url,omitempty"`
	Words string `json:"words,omitempty"` // of the link
}

// NewOutcome tells what became of e: who did not do it, and also whom it did not reach because they were silent or lost. All acks of
// those that are there are no proof of a Stop while somebody is not.
func NewOutcome(w World, e swarm.Entry) Outcome {
	v := NewVerdict(w, e)
	o := Outcome{OK: true, Tone: v.Row.Status.Tone, Says: v.Sentence, URL: v.Row.URL, Words: "#" + v.Row.Seq}
	for _, m := range v.Missing {
		o.Says += " " + m.ID + ": " + m.Why + "."
	}
	if v.More != "" {
		o.Says += " " + v.More + "."
	}
	if unreached := w.unreached(e); unreached != "" {
		o.Says += " Not reached: " + unreached + ". It is told when it is back."
		if o.Tone == OK {
			o.Tone = Warn
		}
	}
	return o
}

// unreached names drivers that e was meant for and that were not among its targets.
func (w World) unreached(e swarm.Entry) string {
	var at []int
	for i, d := range w.Drivers {
		if d.State != swarm.Active && e.Issued.Target.Matches(d.ID, d.Labels) && !isTarget(e, d.ID) {
			at = append(at, i)
		}
	}
	return w.named(at)
}

// NewRefusal tells why nothing was sent.
func NewRefusal(f Failure) Outcome {
	says := f.Title + ". " + f.Says
	for _, e := range f.Errors {
		says += " " + e.Name + " " + e.Value + "."
	}
	return Outcome{Tone: Bad, Says: says}
}
