package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

type doctorCmd struct {
	connection
	output
	NATS natsFlags `embed:"" group:"NATS, to check it too"`
}

// finding is the result of one check.
type finding struct {
	Check   string `json:"check"`
	OK      bool   `json:"ok"`
	Warning bool   `json:"warning,omitempty"` // it works, and should be looked at
	Detail  string `json:"detail"`
	Hint    string `json:"hint,omitempty"`
	Old     string `json:"mend,omitempty"` // Hint under its name in the last release
}

func (f finding) result() string {
	switch {
	case !f.OK:
		return "BAD"
	case f.Warning:
		return "warning"
	}
	return "ok"
}

// examination collects findings; the first error decides the exit code.
type examination struct {
	found []finding
	err   error
}

func (x *examination) note(check string, err error, format string, args ...any) bool {
	f := finding{Check: check, OK: err == nil, Detail: swarm.MaskSecrets(fmt.Sprintf(format, args...))}
	if err != nil {
		f.Detail = oneLine(err.Error())
		if e, ok := errors.AsType[*clierr.Error](err); ok {
			f.Hint = oneLine(e.Hint)
			f.Old = f.Hint
		}
		if x.err == nil {
			x.err = err
		}
	}
	x.found = append(x.found, f)
	return err == nil
}

// warn notes what works and should be looked at. It does not change the exit code.
func (x *examination) warn(check, hint, format string, args ...any) {
	x.found = append(x.found, finding{
		Check: check, OK: true, Warning: true, Hint: hint, Old: hint, Detail: oneLine(fmt.Sprintf(format, args...)),
	})
}

func oneLine(s string) string { return swarm.MaskSecrets(strings.Join(strings.Fields(s), " ")) }

// Run runs the checks in order; each one needs those before it.
func (c *doctorCmd) Run(ctx context.Context, s streams) error {
	var x examination
	c.examine(ctx, s, &x)
	if c.NATS.NATSURL != "" {
		x.nats(ctx, c.NATS.config())
	}
	r := console.Rows{Columns: []console.Column{{Name: "CHECK"}, {Name: "RESULT"}, {Name: "DETAIL"}, {Name: "HINT"}}}
	for _, f := range x.found {
		r.Cells, r.Names, r.Items = append(r.Cells,
			[]string{f.Check, f.result(), f.Detail,
				cmp.Or(f.Hint, "-")}), append(r.Names, f.Check), append(r.Items, mustJSON(f))
	}
	if err := console.Print(s.out, c.format(), r); err != nil {
		return err
	}
	return x.err
}

func (c *doctorCmd) examine(ctx context.Context, s streams, x *examination) {
	found, err := c.settings("")
	address := remote.Mask(found.URL.Value)
	as := cmp.Or(found.Sender(), "whom the token belongs to")
	if !x.note("settings", err, "%s (from %s), as %s", address, found.URL.Origin, as) {
		return
	}
	server, err := c.dial(s, "")
	if err == nil && server.Proxy() != "" {
		address += " through the proxy " + server.Proxy()
	}
	if !x.note("address", err, "%s", address) {
		return
	}
	defer server.CloseIdle()
	if !x.servers(ctx, server.Client) {
		return
	}
	if found.TokenFile.Value != "" {
		x.token(ctx, server)
	}
	x.nodes(ctx, server.Client)
	page, err := server.Drivers(ctx, remote.DriverFilter{Limit: 1})
	if err == nil && page.Counts.Active == 0 {
		err = &clierr.Error{
			Code: clierr.TooFew, What: "no driver is active", Hint: "start drivers with this server's address: " +
				server.Client.URL(),
		}
	}
	x.note("drivers", err, "%d active, %d stale, %d disconnected", page.Counts.Active, page.Counts.Stale,
		page.Counts.Disconnected)
	_, err = server.Commands(ctx, remote.CommandFilter{Limit: 1})
	x.note("log", err, "can be read")
}

// servers checks each server of the swarm, and reports whether one answers.
func (x *examination) servers(ctx context.Context, all *remote.Client) (answers bool) {
	each, err := all.Each()
	if err != nil {
		return x.note("server", err, "")
	}
	for _, one := range each {
		name := ""
		if len(each) > 1 {
			name = one.URL() + ": "
		}
		answers = x.server(ctx, one, name) || answers
		one.CloseIdle()
	}
	return answers
}

// server checks one server; its findings begin with name.
func (x *examination) server(ctx context.Context, one *remote.Client, name string) (answers bool) {
	about, err := one.ServerVersion(ctx)
	if !x.note("server", named(name, err), "%sanswers, version %s, %s", name, about.Value.Version, about.Value.GoVersion) {
		return false
	}
	ready, err := one.Ready(ctx)
	var checks []string
	for _, k := range ready.Value.Checks {
		checks = append(checks, fmt.Sprintf("%s %v", k.Name, k.Ok))
	}
	x.note("ready", named(name, err), "%saccepts commands: %s", name, strings.Join(checks, ", "))
	return true
}

// named puts the name of a server before an error.
func named(name string, err error) error {
	if e, ok := errors.AsType[*clierr.Error](err); ok {
		copied := *e
		copied.What = name + e.What
		return &copied
	}
	return err
}

// token checks whom the token belongs to. A server of an earlier version does not know tokens.
func (x *examination) token(ctx context.Context, server *session) {
	who, err := server.Whoami(ctx)
	if remote.IsRefused(err, api.NotFound) {
		return
	}
	x.note("token", err, "belongs to %s", describe(who.Value))
}
