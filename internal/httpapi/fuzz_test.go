package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/swarmcall/swarmcall/api"
)

// FuzzBody: for any body, the server answers with a valid command or with a refusal of the contract. What it accepts is
// JSON in valid UTF-8 that matches the contract's schema.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		stop, `{"submitter":"ci/a","command":{"type":"set_players","players":100,"note":"n"},"deadline_ms":2000,"target":{"driver_ids":["d-1"],"labels":{"a":"b"}},"min_drivers":3,"if_seq":5}`,
		`{"command":{"type":"set_spawn_delay_ms","spawn_delay_ms":20}}`,
		`{"command":{"type":"set_players","players":1e400}}`, `{"command":null}`,
		`{"command":{"type":"stop"},"command":{}}`, "{", "", "null",
		`{"command":{"type":"stop","note":"\ud800"}}`, strings.Repeat("[", 5000),
	} {
		f.Add([]byte(seed))
	}
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		f.Fatal(err)
	}
	schema := doc.Components.Schemas["CommandRequest"].Value
	w := newWorld(f, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/commands", strings.NewReader(string(body)))
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		w.entries = nil
		w.handler.ServeHTTP(rec, r)
		switch rec.Code {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
			if w.count() > 0 {
				t.Errorf("answered %d, and issued a command", rec.Code)
			}
			return
		case http.StatusCreated:
		default:
			t.Fatalf("answered %d: %s", rec.Code, rec.Body)
		}
		var value any
		if err := json.Unmarshal(body, &value); err != nil || !utf8.Valid(body) {
			t.Fatalf("took a body that is no JSON: %v", err)
		}
		if err := schema.VisitJSON(value, openapi3.EnableFormatValidation()); err != nil {
			t.Errorf("took a body that breaks the contract: %v", err)
		}
		if e := w.entries[0].Issued; e.Deadline <= 0 || e.Submitter == "" {
			t.Errorf("issued %+v", e)
		}
	})
}

// FuzzCursor: for any cursor, the server answers with a page or with a refusal of the contract. It takes only what it
// could have made itself, for this list.
func FuzzCursor(f *testing.F) {
	lists := []struct{ path, kind string }{
		{"/commands?cursor=", olderThan}, {"/commands?order=asc&cursor=", newerThan}, {"/drivers?cursor=", afterID},
		{"/state?cursor=", afterID}, {"/state?desired_cursor=", rulesFrom},
	}
	for _, list := range lists {
		for _, place := range []string{"1", "d-1", "", "0", "-1", "+1", "01", "9223372036854775808", "1:1", "\xff", "\x00"} {
			f.Add(list.kind + ":" + place)
		}
	}
	f.Add("")
	f.Add(cursorOf(olderThan, "7") + "\n")
	f.Add(cursorOf(olderThan, "7") + "=")
	w := newWorld(f, nil)
	w.do(f, http.MethodPost, "/commands", stop)
	f.Fuzz(func(t *testing.T, s string) {
		for _, cursor := range []string{s, base64.RawURLEncoding.EncodeToString([]byte(s))} {
			for _, list := range lists {
				a := w.do(t, http.MethodGet, list.path+url.QueryEscape(cursor), "")
				switch _, err := place(cursor, list.kind); {
				case a.StatusCode == http.StatusOK && err == nil, a.StatusCode == http.StatusBadRequest:
				default:
					t.Errorf("%s%q: %d %s", list.path, cursor, a.StatusCode, a.body)
				}
			}
		}
	})
}
