package submit

import (
	"encoding/json"
	"testing"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
)

// TestCompare: who acked must report it, since it was told; a total is compared by shares.
func TestCompare(t *testing.T) {
	drift := map[string]api.DriverDrift{
		"a": {Reported: api.DriverReport{Players: 10}},
		"b": {Reported: api.DriverReport{Players: 4}, Reasons: []api.DriftReason{"players"}},
		"c": {Reported: api.DriverReport{Players: 10}, Reasons: []api.DriftReason{"not_reported"}},
		"d": {Reported: api.DriverReport{Players: 10}, Reasons: []api.DriftReason{"spawn_delay_ms"}},
	}
	acked := `"acked": [{"driver_id": "a"}, {"driver_id": "b"}, {"driver_id": "c"}, {"driver_id": "d"}, {"driver_id": "gone"}]`
	for command, want := range map[string]Progress{
		`{"type": "set_players", "players": 10}`:                {Drivers: 5, There: 2, Actual: 34, Target: 50},
		`{"type": "set_players", "players_total": 33}`:          {Drivers: 5, There: 2, Actual: 34, Target: 33},
		`{"type": "stop"}`:                                      {Drivers: 5, There: 2, Actual: 34, Target: 0},
		`{"type": "set_spawn_delay_ms", "spawn_delay_ms": 100}`: {Drivers: 5, There: 2, Actual: 34, Target: 0},
	} {
		e := remote.Answer[remote.Entry]{Raw: []byte(`{"command": ` + command + `, ` + acked + `,
			"split": [{"driver_id": "a", "players": 11}, {"driver_id": "b", "players": 11}, {"driver_id": "c", "players": 11}]}`)}
		if err := json.Unmarshal(e.Raw, &e.Value); err != nil {
			t.Fatal(err)
		}
		if got := compare(e, drift); got != want {
			t.Errorf("%s: %+v, want %+v", command, got, want)
		}
	}
}
