package stream

import (
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// MaxMessage is how many bytes a message of the stream may have.
const MaxMessage = 8 << 20

// HeaderRoom is how many bytes of a message its headers may take.
const HeaderRoom = 4 << 10

// Settings are those of a new stream.
func (c Config) Settings() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: c.Name, Subjects: []string{c.Subject}, Description: "the command log of Swarmcall",
		Storage: jetstream.FileStorage, Replicas: c.Replicas, Retention: jetstream.LimitsPolicy,
		Discard: jetstream.DiscardNew, MaxBytes: c.MaxBytes, MaxMsgSize: MaxMessage,
		DenyDelete: true, DenyPurge: true, AllowDirect: true, AllowAtomicPublish: true,
		Duplicates: 100 * time.Millisecond, // the minimum: message ids are not used
	}
}

// Fits returns why a stream with these settings cannot be the log.
func Fits(c jetstream.StreamConfig, subject string) error {
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

// MostBytes returns how large a record may be, so that a message with it fits into the stream and passes a server with
// this max_payload.
func MostBytes(maxPayload int64, c jetstream.StreamConfig) int {
	if c.MaxMsgSize > 0 {
		maxPayload = min(maxPayload, int64(c.MaxMsgSize))
	}
	if maxPayload >= MaxMessage {
		return MaxRecord
	}
	return int(maxPayload) - HeaderRoom
}

// MaxRecord is how many bytes a record may have, in a stream and in an embedded log.
const MaxRecord = MaxMessage - (64 << 10)
