package web

import (
	"errors"
	"net/http"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/page"
	"github.com/swarmcall/swarmcall/web/view"
)

// statuses are those a page can be refused with; what is not listed is 500.
var statuses = map[swarm.Code]int{
	swarm.CodeBadRequest: http.StatusBadRequest, swarm.CodeOriginNotAllowed: http.StatusForbidden, swarm.CodeNotFound: http.StatusNotFound,
	swarm.CodeNoActiveDrivers: http.StatusConflict, swarm.CodeNotEnoughDrivers: http.StatusConflict,
	swarm.CodeNewerCommand: http.StatusPreconditionFailed, swarm.CodeInvalidCommand: http.StatusUnprocessableEntity,
	swarm.CodeLogUnavailable: http.StatusServiceUnavailable, swarm.CodeShuttingDown: http.StatusServiceUnavailable,
	swarm.CodeOutcomeNotRecorded: http.StatusServiceUnavailable,
}

// fail says why a page, or a command, could not be had. What is unknown is logged and not shown.
func (u *UI) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := swarm.CodeOf(err)
	status := statuses[code]
	if status == 0 {
		status = http.StatusInternalServerError
		u.cfg.Logger.Error("a page failed", "path", r.URL.Path, "err", err)
	}
	f := view.Failure{Title: titles[code], Says: "It was logged with its cause.", BackURL: "/", BackWord: "To the overview"}
	if f.Title == "" {
		f.Title = "The server could not do that"
	}
	if e, ok := errors.AsType[*swarm.Error](err); ok {
		f.Says = e.Detail
		for _, field := range e.Fields {
			f.Errors = append(f.Errors, view.Figure{Name: field.Pointer, Value: field.Detail})
		}
	}
	if wantsJSON(r) {
		answer(w, status, view.NewRefusal(f))
		return
	}
	world := u.world(r.Context())
	u.write(w, r, status, page.Failure(u.chrome(r, world, f.Title), f))
}

var titles = map[swarm.Code]string{
	swarm.CodeBadRequest: "That cannot be read", swarm.CodeOriginNotAllowed: "Refused", swarm.CodeNotFound: "Not found",
	swarm.CodeNoActiveDrivers: "Nobody to tell", swarm.CodeNotEnoughDrivers: "Not enough drivers",
	swarm.CodeNewerCommand: "A newer command came first", swarm.CodeInvalidCommand: "Nothing was sent",
	swarm.CodeLogUnavailable: "The log takes no commands", swarm.CodeShuttingDown: "The server is stopping",
	swarm.CodeOutcomeNotRecorded: "Sent, but the outcome is not recorded",
}
