package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/page"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// fail says why a page could not be shown. Unexpected errors are logged and not shown.
func (u *UI) fail(w http.ResponseWriter, r *http.Request, err error) {
	u.refuse(w, r, swarm.Submission{}, err)
}

// refuse says why a command was refused, and shows its form again where there are no scripts that keep it.
func (u *UI) refuse(w http.ResponseWriter, r *http.Request, s swarm.Submission, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the browser has closed the connection
	}
	code := swarm.CodeOf(err)
	status := u.cfg.Status(code)
	if status == http.StatusInternalServerError {
		u.cfg.Logger.Error("cannot serve a page", "path", r.URL.Path, "err", err)
	}
	if !mayRead(r) {
		u.deny(w, r, status, err)
		return
	}
	world := u.world(r.Context())
	f := view.Failure{Says: "The cause is in the server's own log."}
	if e, ok := errors.AsType[*swarm.Error](err); ok {
		f = world.Refusal(s, e)
		if code != swarm.CodeForbidden {
			f.Form = view.NewFormAgain(r.PostForm, e.Fields)
		}
	}
	f.BackURL, f.BackWord = back(r)
	f.Title = cmp.Or(f.Title, titles[code], "The request failed")
	if wantsJSON(r) {
		o := view.NewRefusal(f)
		o.URL, o.Words = f.NewerURL, f.Newer
		u.answer(w, status, o)
		return
	}
	u.write(w, r, status, page.Failure(u.chrome(r, world, f.Title), f))
}

// deny says why a request was refused, to a person or script that may see nothing of the swarm.
func (u *UI) deny(w http.ResponseWriter, r *http.Request, status int, err error) {
	m := view.Denied{Title: cmp.Or(titles[swarm.CodeOf(err)], "The request failed")}
	if e, ok := errors.AsType[*swarm.Error](err); ok {
		m.Says = view.Sentence(e.Detail)
	}
	if wantsJSON(r) {
		u.answer(w, status, view.NewRefusal(view.Failure{Title: m.Title, Says: m.Says}))
		return
	}
	u.write(w, r, status, page.Denied(frame(r, m.Title), m))
}

// Refused tells a person why the server does not accept this Host or Origin. Anyone may read it, so it shows nothing of
// the swarm.
func (u *UI) Refused(w http.ResponseWriter, r *http.Request, err error) {
	u.write(w, r, http.StatusForbidden, page.Refused(frame(r, "Refused"), view.NewRefusedPage(err)))
}

// back returns a link to the page of the form, or to the list that would contain the missing item.
func back(r *http.Request) (url, word string) {
	if seq, err := strconv.ParseUint(r.PostForm.Get("retry"), 10, 64); err == nil {
		return view.CommandURL(seq), "Back to the command"
	}
	if id := r.PostForm.Get("driver_ids"); swarm.ValidDriverID(id) {
		return view.DriverURL(id), "Back to the driver"
	}
	row, _, _ := find(r.URL.Path)
	list, _, _ := find(cmp.Or(row.under, "/"))
	return list.path, "Go to " + strings.ToLower(list.title)
}

var titles = map[swarm.Code]string{
	swarm.CodeBadRequest: "Invalid request", swarm.CodeOriginNotAllowed: "Refused", swarm.CodeNotFound: "Not found",
	swarm.CodeUnauthenticated: "Signed out", swarm.CodeTokenExpired: "Signed out",
	swarm.CodeForbidden: "Not allowed", swarm.CodeOutsideScope: "Outside your scope",
	swarm.CodeNoActiveDrivers: "No active driver", swarm.CodeNotEnoughDrivers: "Not enough drivers",
	swarm.CodeNewerCommand: "A newer command came first", swarm.CodeInvalidCommand: "Nothing was sent",
	swarm.CodeLogUnavailable: "The log accepts no commands", swarm.CodeShuttingDown: "The server is stopping",
	swarm.CodeOutcomeNotRecorded: "Sent, but the outcome is not recorded",
}
