package remote

import (
	"context"
	"net/http"
)

// NodeState is what `swarmcall doctor` looks at of a node of the cluster.
type NodeState struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	Self        bool   `json:"self"` // it is the node that answers
	Alive       bool   `json:"alive"`
	Draining    bool   `json:"draining"`
	Drivers     int    `json:"drivers"`
	Lag         uint64 `json:"lag"` // records of the log that it has not read yet
	RosterAgeMS int64  `json:"roster_age_ms"`
	LeaseLeftMS *int64 `json:"lease_left_ms"` // nil if its log is embedded
}

// NodeStates reads the state of each node, as the server that answers sees them.
func (c *Client) NodeStates(ctx context.Context) ([]NodeState, error) {
	type list struct {
		Items []NodeState `json:"items"`
	}
	a, err := answer[list](c, "list the nodes", func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/nodes?limit=1000", http.NoBody)
		if err != nil {
			return nil, err
		}
		return c.doer.Do(req)
	})
	return a.Value.Items, err
}
