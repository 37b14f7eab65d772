package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Codes of the servers' errors about streams.
const (
	codeNoPeers            = 10005 // no suitable peers
	codeClusterNotReady    = 10008
	codeNoMetaLeader       = 10009
	codeNotClustered       = 10074 // replicas > 1 not supported in non-clustered mode
	openPatience           = 30 * time.Second
	openPause              = 100 * time.Millisecond
	leastMajor, leastMinor = 2, 12 // of the servers: the first with atomic batches
)

// openStream finds the stream of a shared log, or creates it.
func openStream(ctx context.Context, cfg Shared) (*external, *jetstream.StreamInfo, error) {
	if err := newEnough(cfg.Conn.ConnectedServerVersion()); err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(cfg.Conn, jetstream.WithDefaultTimeout(answerTimeout))
	if err != nil {
		return nil, nil, err
	}
	e := &external{conn: cfg.Conn, js: js, name: cfg.stream, subject: cfg.subject}
	info, err := e.find(ctx, cfg)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the log's stream %s: %w", cfg.stream, explain(err, cfg))
	}
	if err := fits(info.Config, e.subject); err != nil {
		return nil, nil, fmt.Errorf("cannot use the stream %s as the log: %w", cfg.stream, err)
	}
	if info.State.Msgs > 0 && info.State.FirstSeq != 1 || info.State.NumDeleted > 0 {
		return nil, nil, fmt.Errorf("the stream %s has lost records: it has %d from position %d to %d", cfg.stream,
			info.State.Msgs, info.State.FirstSeq, info.State.LastSeq)
	}
	e.created = info.Created
	e.report(cfg, info)
	return e, info, nil
}

func newEnough(version string) error {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return errors.New("the connection to NATS has not been established")
	}
	major, err := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	if err != nil || err2 != nil || major < leastMajor || major == leastMajor && minor < leastMinor {
		return fmt.Errorf("the NATS server has version %s; the log needs %d.%d or newer, for atomic batches", version,
			leastMajor, leastMinor)
	}
	return nil
}

// find returns the stream, which it creates if it is absent. It tries again while the cluster is not ready: that is
// normal while it starts.
func (e *external) find(ctx context.Context, cfg Shared) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	for {
		info, err := e.findOnce(ctx, cfg)
		if err == nil || !notReady(err) {
			return info, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(openPause):
		}
	}
}

func (e *external) findOnce(ctx context.Context, cfg Shared) (info *jetstream.StreamInfo, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	e.stream, err = e.js.Stream(ctx, e.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		e.stream, err = e.js.CreateStream(ctx, settings(cfg))
	}
	if err != nil {
		return nil, err
	}
	if info, err = e.stream.Info(ctx); err != nil {
		return nil, err
	}
	if !fromLeader(info) {
		return nil, errUnavailable
	}
	return info, nil
}

// settings are those of a new stream.
func settings(cfg Shared) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: cfg.stream, Subjects: []string{cfg.subject}, Description: "the command log of Swarmcall",
		Storage: jetstream.FileStorage, Replicas: cfg.Replicas, Retention: jetstream.LimitsPolicy,
		Discard: jetstream.DiscardNew, MaxBytes: cfg.MaxBytes, MaxMsgSize: enginePayload,
		DenyDelete: true, DenyPurge: true, AllowDirect: true, AllowAtomicPublish: true,
		Duplicates: 100 * time.Millisecond, // the minimum: message ids are not used
	}
}

// notReady reports whether the servers may answer otherwise soon.
func notReady(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return slices.Contains([]jetstream.ErrorCode{
			codeNoPeers, codeClusterNotReady, codeNoMetaLeader, codeNoResources,
			jetstream.JSErrCodeStreamNameInUse, // created by another server in this moment, perhaps with other settings
		}, api.ErrorCode)
	}
	return errors.Is(err, errUnavailable) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrStreamNameAlreadyInUse)
}

// explain says what to do about an error.
func explain(err error, cfg Shared) error {
	var api *jetstream.APIError
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled),
		errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("JetStream is not available to this account; enable it in the configuration of the NATS "+
			"servers: %w", err)
	case errors.As(err, &api) && api.ErrorCode == codeNotClustered:
		return fmt.Errorf("it is to have %d replicas, and the NATS server is not part of a cluster: %w", cfg.Replicas,
			err)
	case errors.As(err, &api) && api.ErrorCode == codeNoPeers:
		return fmt.Errorf("it is to have %d replicas, and the NATS cluster does not have that many servers with "+
			"JetStream: %w", cfg.Replicas, err)
	case errors.As(err, &api) && (api.ErrorCode == codeStorage || api.ErrorCode == codeNoResources):
		return fmt.Errorf("the NATS servers do not have %s for it; lower --log-max-bytes, or give JetStream more room: %w",
			mib(cfg.MaxBytes), err)
	}
	return err
}

// fits returns why a stream with these settings cannot be the log.
func fits(c jetstream.StreamConfig, subject string) error {
	for _, rule := range []struct {
		broken bool
		what   string
	}{
		{c.Storage != jetstream.FileStorage, "its storage is memory, and must be file"},
		{c.Retention != jetstream.LimitsPolicy, "its retention must be limits"},
		{c.Discard != jetstream.DiscardNew, "it discards old records when it is full, and must refuse new ones"},
		{c.MaxBytes <= 0, "it has no max_bytes, so that it would fill the disks of its servers"},
		{c.MaxMsgs > 0 || c.MaxMsgsPerSubject > 0, "it limits the number of records"},
		{c.MaxAge > 0 || c.AllowMsgTTL, "it lets records expire"},
		{!c.DenyDelete || !c.DenyPurge || c.AllowRollup, "records can be deleted; set deny_delete and deny_purge"},
		{!c.AllowAtomicPublish, "it does not take atomic batches; set allow_atomic"},
		{c.PersistMode == jetstream.AsyncPersistMode, "it acknowledges records before it has written them"},
		{c.Sealed || c.NoAck || c.AllowMsgCounter, "it takes no ordinary records"},
		{c.Mirror != nil || len(c.Sources) > 0, "it copies records of other streams"},
		{c.SubjectTransform != nil || !slices.Equal(c.Subjects, []string{subject}), "its subject must be " + subject},
	} {
		if rule.broken {
			return errors.New(rule.what)
		}
	}
	return nil
}

// report says what the operator should know about the stream.
func (e *external) report(cfg Shared, info *jetstream.StreamInfo) {
	c := info.Config
	if c.Replicas != cfg.Replicas {
		cfg.Logger.Warn("the log's stream has another number of replicas than configured", "stream", e.name,
			"replicas", c.Replicas, "configured", cfg.Replicas)
	}
	if c.MaxBytes != cfg.MaxBytes {
		cfg.Logger.Warn("the log's stream has another size than configured; that of the stream holds", "stream", e.name,
			"max_bytes", c.MaxBytes, "configured", cfg.MaxBytes)
	}
	cfg.Logger.Info("the log is shared; an append is only safe from a power cut if the NATS servers are configured with "+
		"sync_interval: always, which cannot be seen from here", "stream", e.name, "replicas", c.Replicas,
		"nats", e.conn.ConnectedUrlRedacted())
}

// mostBytes returns how large a record may be.
func (e *external) mostBytes(logger *slog.Logger, c jetstream.StreamConfig) int {
	limit := e.conn.MaxPayload()
	if c.MaxMsgSize > 0 {
		limit = min(limit, int64(c.MaxMsgSize))
	}
	if limit >= enginePayload {
		return maxPayload
	}
	logger.Warn("the NATS servers accept only small records: a command for very many drivers is refused; set "+
		"max_payload to 8MB in their configuration", "max_payload", e.conn.MaxPayload(), "max_msg_size", c.MaxMsgSize)
	return int(limit) - headerRoom
}
