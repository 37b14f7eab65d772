package k6test

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed recorded/*.txt
var files embed.FS

// Recorded returns the recordings by name: the requests that were made, and what k6 1.8.1 answered.
//
// A line begins with what it is: "#" a comment; "$" a call of the command line and "|" what it printed; "run" the
// start of a run, which has begun when its status says running or paused; "until" a wait for a value in the status;
// ">" a request and ">>" its body; "<" status and content type of the answer and "<<" its body; "signal" a signal to
// the run; "exit" the exit code of either.
func Recorded() map[string]string {
	all := map[string]string{}
	entries, err := fs.ReadDir(files, "recorded")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		text, err := files.ReadFile("recorded/" + e.Name())
		if err != nil {
			panic(err)
		}
		all[strings.TrimSuffix(e.Name(), ".txt")] = string(text)
	}
	return all
}

// step is one line of a recording: its first word and the rest.
type step struct {
	verb, rest string
}

func steps(text string) (all []step) {
	for line := range strings.Lines(text) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		all = append(all, step{verb, rest})
	}
	return all
}

// printed returns the recorded output and exit code of a call. It is false for a call that was not recorded.
func printed(call string) (text, exit string, ok bool) {
	var lines []string
	for _, recording := range Recorded() {
		found := false
		for _, s := range steps(recording) {
			switch {
			case s.verb == "$":
				found = s.rest == call
			case found && s.verb == "|":
				lines = append(lines, s.rest)
			case found && s.verb == "exit":
				return strings.Join(lines, "\n"), s.rest, true
			}
		}
	}
	return "", "", false
}

// answered returns the first recorded answer to a request.
func answered(request string) string {
	for _, recording := range Recorded() {
		found := false
		for _, s := range steps(recording) {
			if s.verb == ">" && s.rest == request {
				found = true
			}
			if found && s.verb == "<<" {
				return s.rest
			}
		}
	}
	return ""
}
