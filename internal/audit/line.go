package audit

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// line is an event as JSON. The names are those of GET /audit.
type line struct {
	At       string `json:"at"`
	Kind     string `json:"kind"`
	Name     string `json:"name,omitempty"`
	Code     string `json:"code,omitempty"`
	Method   string `json:"method,omitempty"`
	Route    string `json:"route,omitempty"`
	Detail   string `json:"detail,omitempty"`
	DriverID string `json:"driver_id,omitempty"`
	Count    int    `json:"count,omitzero"`
	Until    string `json:"until,omitempty"`
	Via      via    `json:"via,omitzero"`
}

type via struct {
	Credential string `json:"credential,omitempty"`
	RemoteAddr string `json:"remote_addr,omitempty"`
	RequestID  string `json:"request_id,omitempty"`
	Server     bool   `json:"server,omitzero"`
}

const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// encode returns the line of an event that clean has returned, including its newline.
func encode(e Event) []byte {
	l := line{
		At: e.At.UTC().Format(timeFormat), Kind: string(e.Kind), Name: e.Name, Code: string(e.Code), Method: e.Method,
		Route: e.Route, Detail: e.Detail, DriverID: e.DriverID, Count: e.Count, Via: via(e.Via),
	}
	if !e.Until.IsZero() {
		l.Until = e.Until.UTC().Format(timeFormat)
	}
	b, err := json.Marshal(l, jsontext.EscapeForHTML(false))
	if err != nil {
		panic("cannot encode an event of the audit log as JSON: " + err.Error()) // clean leaves valid UTF-8 only
	}
	return append(b, '\n')
}

// decode reads a line. It does not trust it: anybody may have edited the file.
func decode(b []byte) (Event, error) {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return Event{}, err
	}
	at, err := moment(l.At)
	if err != nil {
		return Event{}, err
	}
	if l.Kind == "" {
		return Event{}, errors.New("it has no kind")
	}
	e := Event{
		At: at, Kind: Kind(l.Kind), Name: l.Name, Code: swarm.Code(l.Code), Method: l.Method, Route: l.Route,
		Detail: l.Detail, DriverID: l.DriverID, Count: l.Count, Via: swarm.Via(l.Via),
	}
	if l.Until != "" {
		if e.Until, err = moment(l.Until); err != nil {
			return Event{}, err
		}
	}
	return clean(e), nil
}

func moment(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	t = t.UTC().Truncate(time.Millisecond)
	if err == nil && (t.Year() < 1970 || t.Year() > 9999) {
		err = fmt.Errorf("it has the time %s", s)
	}
	return t, err
}
