package view

import "github.com/swarmcall/swarmcall/internal/swarm"

// Outcome is the answer to a page about the command that it sent.
type Outcome struct {
	OK    bool   `json:"ok"`
	Tone  Tone   `json:"tone"`
	Says  string `json:"says"`
	URL   string `json:"url,omitempty"`
	Words string `json:"words,omitempty"` // of the link
	// NewTab says that the link opens in a new tab, so that the form stays as it is.
	NewTab bool `json:"new_tab,omitempty"`
}

// NewOutcome describes the outcome of e: the drivers that did not ack, and those that were left out because they were
// stale or lost. Acks of all connected drivers do not prove a Stop while others may continue to run.
func NewOutcome(w World, e swarm.Entry) Outcome {
	v := NewVerdict(w, e)
	o := Outcome{OK: true, Tone: v.Row.Status.Tone, Says: v.Sentence, URL: v.Row.URL, Words: "#" + v.Row.Seq}
	c := e.Counts()
	missing := unacked(e, missingInBrief)
	for _, m := range missing {
		o.Says += " " + m.ID + ": " + m.Why + "."
	}
	if more := c.Missing + c.Rejected - len(missing); more > 0 {
		o.Says += " and " + Count(more) + " more."
	}
	if names := w.leftOutNow(e); names != "" {
		o.Says += " Left out: " + names + "."
	}
	return o
}

// NewRefusal says why nothing was sent.
func NewRefusal(f Failure) Outcome {
	says := f.Title + ". " + f.Says
	for _, e := range f.Errors {
		says += " " + e.Name + " " + e.Value + "."
	}
	tone := Bad
	if f.Calm {
		tone = Off
	}
	return Outcome{Tone: tone, Says: says}
}

// NewSignedOut tells the sender of a form that nobody is signed in any more.
func NewSignedOut(signIn string) Outcome {
	return Outcome{
		Tone: Bad, Says: "Signed out: sign in again, then use this button again. Nothing was sent.",
		URL: signIn, Words: "Sign in (new tab)", NewTab: true,
	}
}
