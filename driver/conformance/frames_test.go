package conformance

import (
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/driver/internal/script"
	"github.com/swarmcall/swarmcall/driver/internal/wiretest"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// TestProblemOf compares the kit's checks with the schemas: both accept the same frames of a driver.
func TestProblemOf(t *testing.T) {
	long, many := strings.Repeat("x", 257), func(n int, item string) string {
		out := make([]string, n)
		for i := range out {
			out[i] = strings.ReplaceAll(item, "#", decimal(uint64(i)))
		}
		return strings.Join(out, ",")
	}
	for frame, ok := range map[string]bool{
		`{"type":"register","driver_id":"d-1"}`:                                                      true,
		`{"type":"register","driver_id":"d-1","later":[1]}`:                                          true,
		`{"type":"register","driver_id":"d-1","labels":{"a":"é"},"capabilities":["x_fly"]}`:          true,
		`{"type":"register","driver_id":"d-1","state":{},"lease_lost":true,"applied_seq":0}`:         true,
		`{"type":"register","driver_id":""}`:                                                         false,
		`{"type":"register","driver_id":7}`:                                                          false,
		`{"type":"register","driver_id":"connect"}`:                                                  false,
		`{"type":"register","driver_id":"d-1","version":"` + long + `"}`:                             false,
		`{"type":"register","driver_id":"d-1","instance":"a\nb"}`:                                    false,
		`{"type":"register","driver_id":"d-1","capabilities":[""` + strings.Repeat(`,""`, 32) + `]}`: false,
		`{"type":"register","driver_id":"d-1","capabilities":["\u0000"]}`:                            false,
		`{"type":"register","driver_id":"d-1","labels":{"a b":""}}`:                                  false,
		`{"type":"register","driver_id":"d-1","labels":{"a":"` + long + `"}}`:                        false,
		`{"type":"register","driver_id":"d-1","labels":{` + many(33, `"k#":""`) + `}}`:               false,
		`{"type":"register","driver_id":"d-1","applied_seq":-1}`:                                     false,
		`{"type":"register","driver_id":"d-1","state":{"spawn_delay_ms":-1}}`:                        false,
		`{"type":"register","driver_id":"d-1","lease_lost":"yes"}`:                                   false,
		`{"type":"heartbeat"}`: true,
		`{"type":"heartbeat","applied_seq":3,"state":{"players":1,"running":true}}`:        true,
		`{"type":"heartbeat","metrics":{"rps":1.5,"p99":1e3}}`:                             true,
		`{"type":"heartbeat","metrics":{` + many(64, `"m#":1`) + `}}`:                      true,
		`{"type":"heartbeat","metrics":{` + many(65, `"m#":1`) + `}}`:                      false,
		`{"type":"heartbeat","metrics":{"` + long + `":1}}`:                                false,
		`{"type":"heartbeat","metrics":{"a":"1"}}`:                                         false,
		`{"type":"heartbeat","state":{"players":1.5}}`:                                     false,
		`{"type":"heartbeat","state":{"players":-2}}`:                                      false,
		`{"type":"command_ack","seq":1,"status":"applied"}`:                                true,
		`{"type":"command_ack","seq":1,"status":"rejected","code":"a","detail":"b"}`:       true,
		`{"type":"command_ack","seq":1,"status":"rejected"}`:                               true,
		`{"type":"command_ack","status":"applied"}`:                                        false,
		`{"type":"command_ack","seq":0,"status":"applied"}`:                                false,
		`{"type":"command_ack","seq":"1","status":"applied"}`:                              false,
		`{"type":"command_ack","seq":1}`:                                                   false,
		`{"type":"command_ack","seq":1,"status":"ok"}`:                                     false,
		`{"type":"deregister"}`:                                                            true,
		`{"type":"deregister","reason":"done"}`:                                            true,
		`{"type":"deregister","reason":1}`:                                                 false,
		`{"type":"weather"}`:                                                               false,
		`{}`:                                                                               false,
		`[]`:                                                                               false,
		`{"type":"deregister","reason":"` + strings.Repeat("x", wire.MaxFrameBytes) + `"}`: false,
		`{"type":"heartbeat","state":{"players":1,"players":2}}`:                           false,
	} {
		f := script.Frame{Body: []byte(frame), Text: true}
		f.Type, f.Problem = wire.TypeOf(f.Body)
		if problem := problemOf(f); (problem == "") != ok {
			t.Errorf("%.100s: %q, want it fine: %v", frame, problem, ok)
		}
		if err := wiretest.Check(f.Body); (err == nil) != ok {
			t.Errorf("%.100s: the schema says %v, want it fine: %v", frame, err, ok)
		}
	}
}
