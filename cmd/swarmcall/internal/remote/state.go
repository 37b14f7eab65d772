package remote

import (
	"context"
	"encoding/json"
	"net/http"

	api "github.com/swarmcall/swarmcall/api/client"
)

// State reads the desired state and how many drivers report it: all rules, and at most limit drivers.
func (c *Client) State(ctx context.Context, drift string, limit int32) (Answer[api.State], error) {
	read := func(limit int32, cursor *string) (Answer[api.State], error) {
		return answer[api.State](c, "read the state", func() (*http.Response, error) {
			p := &api.GetStateParams{Drift: some(api.DriftKind(drift)), Limit: &limit, DesiredCursor: cursor}
			return c.api.GetState(ctx, p)
		})
	}
	a, err := read(limit, nil)
	if err != nil || a.Value.DesiredNextCursor == nil {
		return a, err
	}
	rules, err := rawRules(a.Raw)
	for cursor := a.Value.DesiredNextCursor; cursor != nil && err == nil; {
		var next Answer[api.State]
		if next, err = read(1, cursor); err != nil {
			return a, err
		}
		var more []json.RawMessage
		more, err = rawRules(next.Raw)
		a.Value.Desired, rules = append(a.Value.Desired, next.Value.Desired...), append(rules, more...)
		cursor = next.Value.DesiredNextCursor
	}
	if err != nil {
		return a, err
	}
	a.Value.DesiredNextCursor = nil
	a.Raw, err = withRules(a.Raw, rules)
	return a, err
}

// rawRules returns the rules of a state as they were sent, with fields that this program does not know.
func rawRules(raw json.RawMessage) ([]json.RawMessage, error) {
	var doc struct {
		Desired []json.RawMessage `json:"desired"`
	}
	err := json.Unmarshal(raw, &doc)
	return doc.Desired, err
}

// withRules returns a state with all the rules, as if they had been sent at once.
func withRules(raw json.RawMessage, rules []json.RawMessage) (json.RawMessage, error) {
	var doc map[string]json.RawMessage
	err := json.Unmarshal(raw, &doc)
	if err == nil {
		doc["desired"], err = json.Marshal(rules)
	}
	if err != nil {
		return raw, err
	}
	delete(doc, "desired_next_cursor")
	return json.Marshal(doc)
}

// Drift reads, for every driver, its desired state, its reported state, and whether they are equal.
func (c *Client) Drift(ctx context.Context) (Page[api.DriverDrift], error) {
	return pages[api.DriverDrift](c, "read the state", 0, func(limit int32, cursor *string) (*http.Response, error) {
		return c.api.GetState(ctx, &api.GetStateParams{Limit: &limit, Cursor: cursor})
	})
}
