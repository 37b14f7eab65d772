package report

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// maxAnnotations is the maximum number of annotations of one kind that GitHub shows per step.
const maxAnnotations = 10

// GitHub reports to GitHub's runner, if there is one: annotations on w, the step's summary and its outputs into their
// files.
func (r Report) GitHub(env func(string) string, w io.Writer) error {
	if env("GITHUB_ACTIONS") != "true" {
		return nil
	}
	_, _ = io.WriteString(w, r.annotations())
	if err := appendTo(env("GITHUB_STEP_SUMMARY"), r.markdown()); err != nil {
		return err
	}
	return appendTo(env("GITHUB_OUTPUT"), r.outputs())
}

// Annotate reports a failed command and its error to GitHub's runner, if there is one.
func Annotate(env func(string) string, w io.Writer, command string, err error) {
	if env("GITHUB_ACTIONS") == "true" {
		_, _ = fmt.Fprintf(w, "::error title=%s::%s\n", property(command), message(err.Error()))
	}
}

// annotations returns one annotation for each failing driver. The annotation of the call itself comes from Annotate.
func (r Report) annotations() string {
	if r.Err == nil {
		return ""
	}
	var b strings.Builder
	left := maxAnnotations - 1
	for _, s := range r.Steps {
		for _, line := range s.blamed() {
			if left--; left < 0 {
				return b.String()
			}
			fmt.Fprintf(&b, "::error title=%s::%s\n", property(s.title()), message(line))
		}
	}
	return b.String()
}

// markdown returns the summary: one row per command, and the failing drivers.
func (r Report) markdown() string {
	var b strings.Builder
	result := r.summary()
	if r.Err != nil {
		result = fmt.Sprintf("exit %d: %s", clierr.CodeOf(r.Err), cell(r.Err.Error()))
	}
	fmt.Fprintf(&b, "### `%s`: %s\n\n", strings.ReplaceAll(cell(r.Name), "`", "'"), result)
	if len(r.Steps) == 0 {
		return b.String()
	}
	b.WriteString("| entry | command | status | targeted | acked | rejected | missing | superseded | left out | ms |\n")
	b.WriteString("|--:|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	var blamed []string
	for _, s := range r.Steps {
		blamed = append(blamed, s.blamed()...)
		e, ms := s.Entry.Value, "-"
		if e.Seq == 0 {
			fmt.Fprintf(&b, "| - | %s | %s | | | | | | | |\n", cell(s.title()), cell(cmp.Or(text(s.Err), s.Said)))
			continue
		}
		if e.DurationMs != nil {
			ms = fmt.Sprintf("%.1f", *e.DurationMs)
		}
		k := e.Counts
		fmt.Fprintf(&b, "| %d | %s | %s | %d | %d | %d | %d | %d | %d | %s |\n",
			e.Seq, cell(s.title()), e.Status, k.Targeted, k.Acked, k.Rejected, k.Missing, k.Superseded,
			remote.CountLeftOut(e), ms)
	}
	b.WriteString("\n")
	for i, line := range blamed {
		if i == 50 {
			fmt.Fprintf(&b, "- and %d more\n", len(blamed)-i)
			break
		}
		b.WriteString("- " + cell(line) + "\n")
	}
	return b.String()
}

// outputs returns the fields of the decisive entry, for later steps of a pipeline.
func (r Report) outputs() string {
	var b strings.Builder
	fmt.Fprintf(&b, "exit-code=%d\n", clierr.CodeOf(r.Err))
	if s := r.decisive(); s != nil {
		e := s.Entry.Value
		missing, _ := s.missing()
		fmt.Fprintf(&b, "seq=%d\nstatus=%s\nacked=%d\nmissing=%d\nrejected=%d\nverdict=%s\n",
			e.Seq, e.Status, e.Counts.Acked, missing, e.Counts.Rejected, console.Safe(verdict.Sentence(e)))
	}
	return b.String()
}

// decisive returns the first failed step, else the last one that is not the stop at the end of a run; nil if nothing
// was sent.
func (r Report) decisive() (found *Step) {
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.Entry.Value.Seq == 0 {
			continue
		}
		if s.Err != nil {
			return s
		}
		if found == nil || remote.CommandOf(s.Entry.Value).Type != command.Stop {
			found = s
		}
	}
	return found
}

// message escapes text that would end the runner's command, and control characters that a terminal would interpret.
func message(s string) string {
	lines := strings.Split(swarm.MaskSecrets(s), "\n")
	for i := range lines {
		lines[i] = console.Safe(lines[i])
	}
	s = strings.Join(lines, "\n")
	return strings.NewReplacer("%", "%25", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(message(s))
}

// cell escapes Markdown: drivers choose these texts.
func cell(s string) string {
	s = strings.NewReplacer("|", "\\|", "<", "&lt;", "[", "\\[", "*", "\\*", "`", "\\`", "!", "\\!").Replace(s)
	return console.Safe(strings.ReplaceAll(s, "\n", " "))
}

func appendTo(path, content string) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // the runner reads it
	if err != nil {
		return fmt.Errorf("cannot write to the files of GitHub's runner: %w", err)
	}
	_, err = f.WriteString(content)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
