// Package logs inspects and copies a server's log on disk. It only reads the files, whether or not a server has them
// open.
package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
)

// mostSeen is the maximum number of damages listed.
const mostSeen = 20

// scan reads the log in dir and calls visit for each whole record. A directory without a log is an error.
func scan(ctx context.Context, dir string, visit func(logfile.Stored)) (*logfile.Report, error) {
	r, err := logfile.Scan(ctx, dir, visit)
	if errors.Is(err, context.Canceled) {
		return nil, &clierr.Error{Code: clierr.Interrupted, What: "interrupted"}
	}
	if err != nil {
		return nil, &clierr.Error{Code: clierr.Failed, What: "cannot read the log in " + dir, Cause: err}
	}
	if r.Blocks == 0 && r.Mark.Position == 0 {
		return nil, noLog(dir)
	}
	return r, nil
}

func noLog(dir string) error {
	return &clierr.Error{
		Code: clierr.Failed, What: "there is no log in " + dir,
		Hint: "name the server's data directory: --data-dir DIR",
	}
}

// damaged returns the error that describes the damage of a log; nil if there is none.
func damaged(dir string, damage []*logfile.DamagedError) error {
	if len(damage) == 0 {
		return nil
	}
	if i := slices.IndexFunc(damage, func(d *logfile.DamagedError) bool { return d.Newer }); i >= 0 {
		return newer(dir, damage[i])
	}
	e := &clierr.Error{
		Code: clierr.Failed, What: "the log in " + dir + " is damaged", Cause: damage[0],
		Hint: "keep a copy of the directory; if there is a backup, restore it.\n" +
			"To continue with the remaining entries, start the server once with --accept-data-loss.",
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
func newer(dir string, first error) error {
	return &clierr.Error{
		Code: clierr.Failed, What: "the log in " + dir + " was written by a newer version of Swarmcall", Cause: first,
		Hint: "use a swarmcall of the version that wrote it, or a newer one",
	}
}
