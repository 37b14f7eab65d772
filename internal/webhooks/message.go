package webhooks

import (
	"bytes"
	"fmt"
	"time"

	"github.com/swarmcall/swarmcall/internal/ndjson"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// The events, one for each kind of record.
const (
	commandIssued  = "command.issued"
	commandClosed  = "command.closed"
	commandLate    = "command.late"
	commandExpired = "command.expired"
	logReset       = "log.reset"
)

// eventNames lists every event in the order documents show them.
func eventNames() []string {
	return []string{commandIssued, commandClosed, commandLate, commandExpired, logReset}
}

// nameOf returns the event of a record, and when it happened. The name is empty for a record that has no event.
func nameOf(r swarm.Record) (name string, at time.Time) {
	switch r := r.(type) {
	case *swarm.Issued:
		return commandIssued, r.SubmittedAt
	case *swarm.Closed:
		return commandClosed, r.ClosedAt
	case *swarm.Late:
		return commandLate, r.At
	case *swarm.Expired:
		return commandExpired, r.At
	case *swarm.Reset:
		return logReset, r.At
	default:
		return "", time.Time{}
	}
}

// message is what one record becomes. It is the same in each attempt, also after a restart.
type message struct {
	id   string
	body []byte
}

// messageOf returns the message of a record at a place. Its data is the record's line of the export, byte for byte.
func messageOf(at place, e *swarm.Event) message {
	name, when := nameOf(e.Record)
	var targets []string
	if e.Issued != nil {
		targets = e.Issued.Targets
	}
	line := bytes.TrimSuffix(ndjson.Line(e.Stored, targets), []byte("\n"))
	body := fmt.Appendf(make([]byte, 0, len(line)+100), `{"type":%q,"timestamp":%q,"data":`, name, ndjson.Timestamp(when))
	body = append(body, line...)
	return message{id: at.id(), body: append(body, '}')}
}
