// Package report writes the result of a CLI call for machines: JUnit XML, JSON, and the files and annotations of
// GitHub's pipelines.
package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

// Step is one command of a call.
type Step struct {
	Name  string // "set_players 500"
	Key   string // idempotency key
	Entry remote.Answer[remote.Entry]
	Lost  []string // drivers that an earlier step reached and this one did not
	Allow verdict.Allow
	Open  bool   // the outcome was not waited for, so it is unknown
	Said  string // the result if no entry was made, such as nothing to stop
	Err   error
}

// unknown describes an outcome that was not waited for. It must not read as a success.
const unknown = "sent, outcome not waited for"

// Report is a whole call.
type Report struct {
	Name  string // "swarmcall players set 500"
	Began time.Time
	Took  time.Duration
	Steps []Step
	Err   error // determines the exit code
}

// File is the path and the format of a report.
type File struct{ Form, Path string }

// UnmarshalText reads junit=FILE or json=FILE.
func (f *File) UnmarshalText(text []byte) error {
	form, path, ok := strings.Cut(string(text), "=")
	if !ok || path == "" || (form != "junit" && form != "json") {
		return fmt.Errorf("%q must be junit=FILE or json=FILE", text)
	}
	*f = File{form, path}
	return nil
}

// Writable checks whether the file can be written, without changing it. After a run it would be too late.
func (f File) Writable() error {
	_, err := os.Lstat(f.Path)
	made := errors.Is(err, fs.ErrNotExist)
	w, err := os.OpenFile(f.Path, os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // the mode of Write
	if err == nil {
		err = w.Close()
	}
	if err == nil && made {
		err = os.Remove(f.Path)
	}
	if err != nil {
		return fmt.Errorf("--report %s=%s cannot be written: %w", f.Form, f.Path, err)
	}
	return nil
}

// Write writes every file. If a report cannot be written, it returns an error: a pipeline would take a missing report
// for success.
func (r Report) Write(files []File) error {
	for _, f := range files {
		content, err := r.form(f.Form)
		if err == nil {
			err = os.WriteFile(f.Path, content, 0o644) //nolint:gosec // anyone may collect it
		}
		if err != nil {
			return &clierr.Error{
				Code: clierr.Failed, What: "cannot write the " + f.Form + " report", Cause: err,
				Hint: "does the directory exist? The command itself was processed: " + r.summary(),
			}
		}
	}
	return nil
}

func (r Report) form(form string) ([]byte, error) {
	if form == "junit" {
		return r.junit()
	}
	return r.json()
}

func (r Report) summary() string {
	if r.Err != nil {
		return r.Err.Error()
	}
	if slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Open }) {
		return unknown
	}
	if i := slices.IndexFunc(r.Steps, func(s Step) bool { return s.odd() != "" }); i >= 0 {
		return r.Steps[i].odd()
	}
	if slices.ContainsFunc(r.Steps, func(s Step) bool { return len(s.blamed()) > 0 }) {
		return "accepted, though not all acked"
	}
	return "all acked"
}

// jsonStep is a step in the JSON report.
type jsonStep struct {
	Name    string          `json:"name"`
	Key     string          `json:"idempotency_key,omitempty"`
	Code    clierr.Code     `json:"exit_code"`
	Error   string          `json:"error,omitempty"`
	Lost    []string        `json:"lost,omitempty"`
	Verdict string          `json:"verdict,omitempty"`
	Entry   json.RawMessage `json:"entry,omitempty"`
}

func (r Report) json() ([]byte, error) {
	doc := struct {
		Version int         `json:"version"` // of this format; new fields do not change it
		Name    string      `json:"name"`
		Began   time.Time   `json:"began_at"`
		TookMS  int64       `json:"duration_ms"`
		Code    clierr.Code `json:"exit_code"`
		Error   string      `json:"error,omitempty"`
		Steps   []jsonStep  `json:"steps"`
	}{1, r.Name, r.Began.UTC().Truncate(time.Millisecond), r.Took.Milliseconds(), clierr.CodeOf(r.Err), text(r.Err),
		[]jsonStep{}}
	for _, s := range r.Steps {
		j := jsonStep{
			Name: s.Name, Key: s.Key, Code: clierr.CodeOf(s.Err), Error: text(s.Err), Lost: s.Lost, Entry: s.Entry.Raw,
		}
		j.Verdict = s.verdict()
		doc.Steps = append(doc.Steps, j)
	}
	b, err := json.MarshalIndent(doc, "", "  ")
	return append(b, '\n'), err
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// blamed lists the drivers of a step that did not carry out the command, with the reasons.
func (s Step) blamed() []string {
	lines := verdict.Blame(s.Entry.Value, 1<<30)
	for _, id := range s.Lost {
		lines = append(lines, id+" missing: "+lostReason)
	}
	return lines
}

// verdict describes the result of the step in a sentence; "" if it is unknown.
func (s Step) verdict() string {
	if s.Entry.Value.Seq == 0 {
		return s.Said
	}
	return verdict.Sentence(s.Entry.Value)
}

// odd returns the verdict of a successful step that no driver has acked: "all acked" would be wrong.
func (s Step) odd() string {
	if s.Err == nil && (s.Said != "" || s.Entry.Value.Seq > 0 && remote.ReachedNoDriver(s.Entry.Value)) {
		return s.verdict()
	}
	return ""
}

// missing returns how many drivers did not ack (targeted, left out or lost), and how many should have.
func (s Step) missing() (n, all int) {
	e := s.Entry.Value
	return verdict.Missing(e) + len(s.Lost), remote.Meant(e) + len(s.Lost)
}

const lostReason = "not connected when the command was sent"

// title is the name of a step, never empty.
func (s Step) title() string { return cmp.Or(s.Name, "command") }
