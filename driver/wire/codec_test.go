package wire_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/driver/wire"
)

func TestTypeOf(t *testing.T) {
	const notJSON, badField = "not JSON", "bad field"
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	for _, c := range []struct{ name, in, kind, fails string }{
		{"plain", `{"type":"heartbeat"}`, "heartbeat", ""},
		{"space around", " \t\r\n{\"type\":\"stop\"}\n", "stop", ""},
		{"type comes last", `{"seq":7,"type":"command_ack"}`, "command_ack", ""},
		{"no type", `{}`, "", ""},
		{"null type", `{"type":null}`, "", ""},
		{"another case is another name", `{"Type":"register"}`, "", ""},
		{"escaped name", `{"\u0074ype":"drain"}`, "drain", ""},
		{"type of a wrong kind", `{"type":7}`, "", badField},
		{"type twice", `{"type":"a","type":"b"}`, "", badField},
		{"another name twice", `{"type":"a","x":1,"x":2}`, "", badField},
		{"twice, deep down", `{"type":"a","x":[{"y":1,"y":2}]}`, "", badField},
		{"twice, once escaped", `{"type":"a","\u0074ype":"b"}`, "", badField},
		{"empty", ``, "", notJSON},
		{"spaces only", "  \n", "", notJSON},
		{"array", `[{"type":"a"}]`, "", notJSON},
		{"string", `"type"`, "", notJSON},
		{"null", `null`, "", notJSON},
		{"byte order mark", "\xef\xbb\xbf" + `{"type":"a"}`, "", notJSON},
		{"invalid UTF-8 in the type", "{\"type\":\"a\xff\"}", "", notJSON},
		{"invalid UTF-8 elsewhere", "{\"type\":\"a\",\"driver_id\":\"drv-\xfe\"}", "", notJSON},
		{"lone surrogate", `{"type":"\ud800"}`, "", notJSON},
		{"trailing value", `{"type":"a"}{"type":"b"}`, "", notJSON},
		{"trailing letter", `{"type":"a"}x`, "", notJSON},
		{"trailing NUL", "{\"type\":\"a\"}\x00", "", notJSON},
		{"cut short", `{"type":"a"`, "", notJSON},
		{"trailing comma", `{"type":"a",}`, "", notJSON},
		{"comment", `{"type":"a"/**/}`, "", notJSON},
		{"raw control character", "{\"type\":\"a\nb\"}", "", notJSON},
		{"too deep", `{"type":"a","x":` + deep + `}`, "", notJSON},
	} {
		t.Run(c.name, func(t *testing.T) {
			kind, err := wire.TypeOf([]byte(c.in))
			fails := ""
			switch {
			case errors.Is(err, wire.ErrNotJSON):
				fails = notJSON
			case err != nil:
				fails = badField
			}
			if kind != c.kind || fails != c.fails {
				t.Errorf("TypeOf = %q, %v; want %q and %q", kind, err, c.kind, c.fails)
			}
		})
	}
}

// TestIntegersOfTheSchema: every number that fits the published "type: integer" is accepted as if it were in digits.
func TestIntegersOfTheSchema(t *testing.T) {
	for _, seq := range []string{"7", "7.0", "7e0", "0.7e1", "700e-2", "7.000"} {
		frame := []byte(`{"type":"command_ack","seq":` + seq + `,"status":"applied"}`)
		ack := wire.CommandAck{Code: "left over"}
		if err := wire.Decode(frame, &ack); err != nil || ack.Seq != 7 || ack.Status != "applied" {
			t.Errorf("%s: %+v, %v", frame, ack, err)
		}
		if fast, ok := wire.ScanApplied(frame); ok && fast != 7 {
			t.Errorf("%s: the fast path says %d", frame, fast)
		}
	}
	var beat wire.Heartbeat
	in := `{"type":"heartbeat","applied_seq":9007199254740993.0,` +
		`"state":{"players":1e3,"spawn_delay_ms":-0,"running":true},` +
		`"metrics":{"a":1e3,"b":0.5}}`
	if err := wire.Decode([]byte(in), &beat); err != nil || beat.AppliedSeq != 9007199254740993 ||
		beat.State.Players != 1000 ||
		beat.State.SpawnDelayMS != 0 || beat.Metrics["a"] != 1000 || beat.Metrics["b"] != 0.5 {
		t.Errorf("%+v, %v", beat, err)
	}
	var command wire.CommandFrame
	in = `{"type":"command","seq":5e0,"command":{"type":"set_players","players":60.0},"deadline_ms":2e3}`
	if err := wire.Decode([]byte(in), &command); err != nil || command.Seq != 5 || *command.Command.Players != 60 ||
		command.DeadlineMS != 2000 {
		t.Errorf("%+v, %v", command, err)
	}
	for _, players := range []string{"5.5", "1e400", "1e1000000000", "1e-1", "9223372036854775808.0", `"5.0"`} {
		err := wire.Decode([]byte(`{"type":"heartbeat","state":{"players":`+players+`}}`), new(wire.Heartbeat))
		if err == nil || errors.Is(err, wire.ErrNotJSON) || !strings.Contains(err.Error(), "/state/players") {
			t.Errorf("%s: %v", players, err)
		}
	}
}

func TestDecodeNamesTheBadField(t *testing.T) {
	for in, field := range map[string]string{
		`{"type":"command_ack","seq":"7","status":"applied"}`:          "/seq",
		`{"type":"command_ack","seq":-1,"status":"applied"}`:           "/seq",
		`{"type":"command_ack","seq":7,"seq":8}`:                       "/seq",
		`{"type":"command_ack","seq":18446744073709551616}`:            "/seq",
		`{"type":"command_ack","seq":7,"status":{"applied":"indeed"}}`: "/status",
	} {
		err := wire.Decode([]byte(in), new(wire.CommandAck))
		if err == nil || errors.Is(err, wire.ErrNotJSON) || !strings.Contains(err.Error(), field) {
			t.Errorf("Decode(%s) = %v; want an error about %s", in, err, field)
		}
	}
}
