package cmdlog

import (
	"context"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
)

// openStream finds the stream of a shared log, or creates it.
func openStream(ctx context.Context, cfg Shared) (*external, *jetstream.StreamInfo, error) {
	s, info, err := stream.Open(ctx, stream.Config{
		Conn: cfg.Conn, Name: cfg.stream, Subject: cfg.subject, Replicas: cfg.Replicas, MaxBytes: cfg.MaxBytes,
	})
	if err != nil {
		return nil, nil, err
	}
	e := &external{at: s, created: info.Created}
	e.report(cfg, info)
	return e, info, nil
}

// report says what the operator should know about the stream.
func (e *external) report(cfg Shared, info *jetstream.StreamInfo) {
	c := info.Config
	if c.Replicas != cfg.Replicas {
		cfg.Logger.Warn("the log's stream has another number of replicas than configured", "stream", e.at.Name,
			"replicas", c.Replicas, "configured", cfg.Replicas)
	}
	if c.MaxBytes != cfg.MaxBytes {
		cfg.Logger.Warn("the log's stream has another size than configured; that of the stream holds", "stream",
			e.at.Name, "max_bytes", c.MaxBytes, "configured", cfg.MaxBytes)
	}
	cfg.Logger.Info("the log is shared; an append is only safe from a power cut if the NATS servers are configured with "+
		"sync_interval: always, which cannot be seen from here", "stream", e.at.Name, "replicas", c.Replicas,
		"nats", e.at.Conn.ConnectedUrlRedacted())
}

// mostBytes returns how large a record may be.
func (e *external) mostBytes(logger *slog.Logger, c jetstream.StreamConfig) int {
	most := stream.MostBytes(e.at.Conn.MaxPayload(), c)
	if most < maxPayload {
		logger.Warn("the NATS servers accept only small records: a command for very many drivers is refused; set "+
			"max_payload to 8MB in their configuration", "max_payload", e.at.Conn.MaxPayload(), "max_msg_size",
			c.MaxMsgSize)
	}
	return most
}
