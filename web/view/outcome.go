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

// NewOutcome tells what became of e.
func NewOutcome(e swarm.Entry) Outcome {
	v := NewVerdict(World{}, e)
	return Outcome{OK: true, Tone: v.Row.Status.Tone, Says: v.Sentence, URL: v.Row.URL, Words: "#" + v.Row.Seq}
}

// NewRefusal tells why nothing was sent.
func NewRefusal(f Failure) Outcome {
	says := f.Title + ". " + f.Says
	for _, e := range f.Errors {
		says += " " + e.Name + " " + e.Value + "."
	}
	return Outcome{Tone: Bad, Says: says}
}
