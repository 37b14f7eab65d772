package httpapi

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// A cursor is the place where a page ended: the kind of list it belongs to, and its last item. It is opaque to clients,
// holds no state of the server, and is valid as long as the log exists.
const (
	olderThan = "older" // commands, newest first: the seq
	newerThan = "newer" // commands, oldest first: the seq
	afterID   = "after" // drivers: the id
	rulesFrom = "rules" // rules of the desired state: the seq
	afterNode = "node"  // nodes: the name
)

func cursorOf(kind, place string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + ":" + place))
}

var errCursor = swarm.Errorf(swarm.CodeBadRequest,
	"the cursor does not belong to this list; use next_cursor of the previous page, with the same order")

func place(cursor, kind string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return "", errCursor
	}
	got, place, ok := strings.Cut(string(b), ":")
	if !ok || got != kind || place == "" || cursorOf(kind, place) != cursor { // the decoder skips line breaks
		return "", errCursor
	}
	return place, nil
}

func seqPlace(cursor, kind string) (uint64, error) {
	s, err := place(cursor, kind)
	if err != nil {
		return 0, err
	}
	seq, err := strconv.ParseUint(s, 10, 63)
	if err != nil || seq == 0 {
		return 0, errCursor
	}
	return seq, nil
}

// nextLink returns the Link header of a page with a next one: the same query starting at the cursor, relative to the
// server.
func nextLink(path string, query url.Values, cursor string) *string {
	query.Set("cursor", cursor)
	link := "<" + path + "?" + query.Encode() + `>; rel="next"`
	return &link
}
