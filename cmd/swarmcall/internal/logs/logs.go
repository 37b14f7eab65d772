// Package logs inspects and copies a server's log, on disk or in NATS. It only reads the files, whether or not a server
// has them open, and writes to NATS only to move a log there.
package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/natsconn"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
)

// mostSeen is the maximum number of damages listed.
const mostSeen = 20

func noLog(dir string) error {
	return &clierr.Error{
		Code: clierr.Failed, What: "there is no log in " + dir,
		Hint: "name the server's data directory: --data-dir DIR",
	}
}

// failed is the error of a log in NATS that cannot be read or written.
func failed(ctx context.Context, conn *natsconn.Conn, what string, err error) error {
	switch {
	case ctx.Err() != nil:
		return interrupted()
	case errors.Is(err, stream.ErrUnavailable), errors.Is(err, stream.ErrUncertain):
		return &clierr.Error{
			Code: clierr.Unreachable, What: what, Cause: conn.Explain(err),
			Hint: "see swarmcall doctor --nats-url URL",
		}
	}
	return &clierr.Error{Code: clierr.Failed, What: what, Cause: conn.Explain(err)}
}

// damaged returns the error that describes the damage of a log; nil if there is none.
func damaged(s Source, damage []*logfile.DamagedError) error {
	if len(damage) == 0 {
		return nil
	}
	if i := slices.IndexFunc(damage, func(d *logfile.DamagedError) bool { return d.Newer }); i >= 0 {
		return newer(s, damage[i])
	}
	e := &clierr.Error{
		Code: clierr.Failed, What: "the log in " + s.String() + " is damaged", Cause: damage[0],
		Hint: "keep a copy of the directory; if there is a backup, restore it.\n" +
			"To continue with the remaining entries, start the server once with --accept-data-loss.",
	}
	if s.shared() {
		e.Hint = "stop the nodes and keep a copy of the stream: nats stream backup. If there is a backup, restore it;\n" +
			"swarmcall log export prints the remaining records."
	}
	for _, d := range damage[1:min(len(damage), mostSeen+1)] {
		e.Detail = append(e.Detail, d.Error())
	}
	if more := len(damage) - 1 - mostSeen; more > 0 {
		e.Detail = append(e.Detail, fmt.Sprintf("and %d more", more))
	}
	return e
}

// newer is the error of a log that a newer version wrote. Anything else that looks wrong may be its format, so nothing
// is reported as damaged, and no hint suggests discarding entries.
func newer(s Source, first error) error {
	return &clierr.Error{
		Code: clierr.Failed, What: "the log in " + s.String() + " was written by a newer version of Swarmcall",
		Cause: first, Hint: "use a swarmcall of the version that wrote it, or a newer one",
	}
}
