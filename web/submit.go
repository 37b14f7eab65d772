package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// submitter is the submitter of the commands of the pages while authentication is off.
const submitter = "dashboard"

func submitterOf(p swarm.Principal) string {
	if p.Credential == swarm.Anonymous {
		return submitter
	}
	return p.Name
}

// maxForm bounds a form: the ids of a whole swarm fit.
const maxForm = 4 << 20

// submit issues the command of a form, waits for its outcome and shows it. There is no state besides the log: the page
// then shows what the drivers answered.
func (u *UI) submit(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		u.fail(w, r, swarm.Errorf(swarm.CodeBadRequest, "The form cannot be read."))
		return
	}
	s, err := u.submission(r.Context(), r)
	if err == nil {
		err = swarm.PrincipalOf(r.Context()).MaySubmit(s.Command.Type, s.Target)
	}
	if err != nil {
		u.refuse(w, r, s, err)
		return
	}
	if r.Context().Err() != nil && s.Command.Type != command.Stop {
		return // the page has already reported the outcome as unknown, and the sender may have acted on that
	}
	e, err := u.cfg.Commands.Submit(r.Context(), s)
	if err != nil {
		u.refuse(w, r, s, err)
		return
	}
	if wantsJSON(r) {
		u.answer(w, http.StatusCreated, view.NewOutcome(u.world(r.Context()), e))
		return
	}
	http.Redirect(w, r, view.CommandURL(e.Seq), http.StatusSeeOther)
}

func wantsJSON(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Accept"), "application/json")
}

func (u *UI) answer(w http.ResponseWriter, status int, v view.Outcome) {
	if v.URL != "" {
		v.URL = u.base + v.URL
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	b, _ := json.Marshal(v)                 // it has only strings and booleans
	_, _ = w.Write(masked(append(b, '\n'))) // the client may have disconnected
}

// submission reads a form. Its values are validated like those of every submission.
func (u *UI) submission(ctx context.Context, r *http.Request) (swarm.Submission, error) {
	p := swarm.PrincipalOf(ctx)
	s := swarm.Submission{Submitter: submitterOf(p), Deadline: u.cfg.DefaultDeadline}
	if seq := r.PostFormValue("retry"); seq != "" {
		return u.retry(ctx, s, seq, p.Scope)
	}
	s.Command = swarm.Command{Type: command.Type(r.PostFormValue("type")), Note: r.PostFormValue("note")}
	var bad []swarm.FieldError
	row, _ := s.Command.Type.Row()
	number := func(of command.Row, name string, to *int64) {
		n, err := of.Parse(strings.TrimSpace(r.PostFormValue(name)))
		if err != nil {
			bad = append(bad, swarm.FieldError{Pointer: "/" + name, Detail: "must be a whole number"})
		}
		*to = n
	}
	if row.HasValue() {
		number(row, row.Value, &s.Command.Value)
		s.Command.Total = row.Total != "" && r.PostFormValue("per") == "total"
	}
	if r.PostFormValue("deadline_ms") != "" {
		var ms int64
		number(command.Row{}, "deadline_ms", &ms)
		s.Deadline = time.Duration(ms) * time.Millisecond
	}
	labels, ok := view.ParseLabels(r.PostFormValue("labels"))
	if !ok {
		bad = append(bad, swarm.FieldError{Pointer: "/labels", Detail: "must look like region=eu, zone=a"})
	}
	scope := view.ParsePairs(r.PostForm["scope"])
	labels, conflict := view.WithScope(labels, scope)
	if conflict != "" {
		bad = append(bad, swarm.FieldError{Pointer: "/labels",
			Detail: "must not change " + conflict + "=" + scope[conflict] + ", which is your scope"})
	}
	s.Target = swarm.Target{DriverIDs: ids(r.PostForm["driver_ids"]), Labels: labels}
	if len(bad) > 0 {
		return s, &swarm.Error{Code: swarm.CodeInvalidCommand, Detail: "Nothing was sent.", Fields: bad}
	}
	return s, nil
}

// ids reads ids from fields that each have one id, or several separated by spaces or commas.
func ids(fields []string) []string {
	var out []string
	for _, f := range fields {
		out = append(out, strings.FieldsFunc(f,
			func(c rune) bool { return c == ',' || c == ' ' || c == '\n' || c == '\r' })...)
	}
	return out
}

// retry sends a command again to the drivers that the server reports as outstanding now, because the page may be out of
// date. It is refused when a newer command concerns them, so that a retry never undoes a Stop. It has the labels of the
// scope that the command had: all its drivers have these.
func (u *UI) retry(
	ctx context.Context, s swarm.Submission, seq string, scope map[string]string,
) (swarm.Submission, error) {
	n, err := strconv.ParseUint(seq, 10, 64)
	if err != nil {
		return s, swarm.Errorf(swarm.CodeNotFound, "A command is identified by its number.")
	}
	e, err := u.cfg.Log.Entry(ctx, n)
	if err != nil {
		return s, err
	}
	p := u.cfg.Fleet.Progress(e)
	switch {
	case e.Issued.Command.Total:
		return s, swarm.Errorf(swarm.CodeInvalidCommand,
			"The command set a total, which was split over its targets. Set the total again to split it over the "+
				"drivers that are connected now.")
	case !p.Holds:
		return s, &swarm.Error{
			Code: swarm.CodeNewerCommand, Detail: "A newer command is in effect for its drivers.",
			Attrs: map[string]any{"seq": u.world(ctx).Newer(e)},
		}
	case len(p.Outstanding) == 0:
		return s, swarm.Errorf(swarm.CodeNoActiveDrivers, "All its drivers have applied the command.")
	}
	s.Target.DriverIDs = p.Outstanding
	s.Target.Labels = view.CommonLabels(scope, e.Issued.Target.Labels)
	s.Command, s.Deadline = e.Issued.Command, e.Issued.Deadline
	if s.Command.Slot() == command.LoadSlot { // if_seq exists only for load commands
		s.IfSeq = &n
	}
	return s, nil
}
