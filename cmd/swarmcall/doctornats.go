package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/natsconn"
	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
)

const (
	natsAnswer  = 5 * time.Second
	fullPercent = 80
)

// deletions are requests that remove records, for a stream that does not exist.
var deletions = []string{
	"$JS.API.STREAM.DELETE.", "$JS.API.STREAM.PURGE.", "$JS.API.STREAM.MSG.DELETE.", "$JS.API.STREAM.UPDATE.",
}

const noStream = "SWARMCALL_DOCTOR_NO_SUCH_STREAM"

// nats checks the NATS servers of a shared log, as a node uses them.
func (x *examination) nats(ctx context.Context, cfg natsconn.Config) {
	conn := x.natsServers(cfg)
	if conn == nil {
		return
	}
	defer conn.Close()
	if !x.jetStream(ctx, conn) {
		return
	}
	x.logStream(ctx, conn)
	x.permissions(ctx, conn)
}

// natsServers checks each server, and returns a connection to one.
func (x *examination) natsServers(cfg natsconn.Config) (conn *natsconn.Conn) {
	urls, err := cfg.URLs()
	if err != nil {
		x.note("nats", err, "")
		return nil
	}
	for _, url := range urls {
		one := cfg
		one.URL = url
		c, err := natsconn.Dial(one)
		name := natsconn.Masked(url) + ": "
		if err != nil {
			x.note("nats", named(name, err), "")
			continue
		}
		x.natsServer(c, name)
		if conn == nil {
			conn = c
			continue
		}
		c.Close()
	}
	return conn
}

func (x *examination) natsServer(c *natsconn.Conn, name string) {
	version := c.ConnectedServerVersion()
	if err := stream.NewEnough(version); err != nil {
		x.note("nats", &clierr.Error{Code: clierr.Failed, What: name + err.Error(), Hint: "upgrade this NATS server"}, "")
		return
	}
	x.note("nats", nil, "%s%s answers, version %s", name, c.ConnectedServerName(), version)
	if most := c.MaxPayload(); most < stream.MaxMessage {
		x.warn("nats max_payload", "set max_payload: 8MB in the configuration of each NATS server",
			"%s%d bytes: a command for very many drivers is refused", name, most)
		return
	}
	x.note("nats max_payload", nil, "%s%d bytes", name, c.MaxPayload())
}

// jetStream checks whether the account may use JetStream, and how much of its limits is used.
func (x *examination) jetStream(ctx context.Context, conn *natsconn.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, natsAnswer)
	defer cancel()
	js, err := jetstream.New(conn.Conn)
	if err != nil {
		return x.note("jetstream", err, "")
	}
	info, err := js.AccountInfo(ctx)
	if err != nil {
		return x.note("jetstream", &clierr.Error{
			Code: clierr.Failed, What: "JetStream is not available to this account", Cause: conn.Explain(err),
			Hint: "enable it in the configuration of the NATS servers, and let this user send to $JS.API.INFO",
		}, "")
	}
	x.note("jetstream", nil, "%s, %s, %s", used("streams", uint64(info.Streams), int64(info.Limits.MaxStreams)),
		used("bytes on disk", info.Store, info.Limits.MaxStore), used("consumers", uint64(info.Consumers),
			int64(info.Limits.MaxConsumers)))
	for _, l := range []struct {
		what string
		is   uint64
		most int64
	}{
		{"streams", uint64(info.Streams), int64(info.Limits.MaxStreams)},
		{"bytes on disk", info.Store, info.Limits.MaxStore},
		{"consumers", uint64(info.Consumers), int64(info.Limits.MaxConsumers)},
	} {
		if l.most > 0 && percent(l.is, l.most) >= fullPercent {
			x.warn("jetstream", "raise the limits of the account", "%s", used(l.what, l.is, l.most))
		}
	}
	return true
}

// used says how much of a limit is used. A limit of -1 or 0 is none.
func used(what string, is uint64, most int64) string {
	if most <= 0 {
		return fmt.Sprintf("%d %s", is, what)
	}
	return fmt.Sprintf("%d of %d %s (%d %%)", is, most, what, percent(is, most))
}

func percent(is uint64, most int64) int64 { return int64(float64(is) / float64(most) * 100) }

// logStream checks the stream of the log: its settings, replicas and size.
func (x *examination) logStream(ctx context.Context, conn *natsconn.Conn) {
	ctx, cancel := context.WithTimeout(ctx, natsAnswer)
	defer cancel()
	const check = "log stream"
	cfg := conn.Stream(0)
	_, info, err := stream.Find(ctx, cfg)
	if errors.Is(err, stream.ErrAbsent) {
		x.warn(check, "start a node with --nats-url, or move a log there: swarmcall log migrate",
			"%s does not exist yet", cfg.Name)
		return
	}
	if err != nil {
		x.note(check, &clierr.Error{
			Code: clierr.Failed, What: conn.Explain(err).Error(),
			Hint: "correct the stream as operator: nats stream edit " + cfg.Name + "; or make JetStream available",
		}, "")
		return
	}
	c := info.Config
	bytes := used("bytes", info.State.Bytes, c.MaxBytes)
	x.note(check, nil, "%s has the right settings, %d replicas, %d records, %s", cfg.Name, c.Replicas, info.State.LastSeq,
		bytes)
	if c.Replicas < cfg.Replicas || c.Replicas == 1 {
		x.warn(check, "use a NATS cluster of three, and set three replicas: nats stream edit "+cfg.Name,
			"it has %d replicas: the loss of one NATS server may lose the log", c.Replicas)
	}
	if percent(info.State.Bytes, c.MaxBytes) >= fullPercent {
		x.warn(check, "raise max_bytes: nats stream edit "+cfg.Name, "it is filling up: %s", bytes)
	}
	if info.Cluster == nil {
		return
	}
	for _, peer := range info.Cluster.Replicas {
		if peer.Offline || !peer.Current {
			x.warn(check, "look at that NATS server", "the replica on %s is not current: offline %v, %d records behind",
				peer.Name, peer.Offline, peer.Lag)
		}
	}
}

// permissions checks that this user cannot remove records. It asks to do so in a stream that does not exist.
func (x *examination) permissions(ctx context.Context, conn *natsconn.Conn) {
	const check = "nats permissions"
	var may []string
	for _, subject := range deletions {
		can, err := conn.May(ctx, subject+noStream)
		if err != nil {
			x.note(check, &clierr.Error{Code: clierr.Unreachable, What: "NATS does not answer", Cause: err}, "")
			return
		}
		if can {
			may = append(may, subject+"*")
		}
	}
	if len(may) > 0 {
		x.warn(check, "deny them to the nodes, as deploy/compose/nats.conf does",
			"this user may change or remove the log: %v", may)
		return
	}
	x.note(check, nil, "this user cannot change or remove the log")
}
