package drivers

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// FuzzFrame: whatever a driver sends, what the server takes from it is within the bounds of the protocol, and can be
// encoded again, as the API, the log and the dashboard do. A refusal has a reason.
func FuzzFrame(f *testing.F) {
	for _, seed := range []string{
		`{"type":"register","driver_id":"d-1","labels":{"region":"eu"},"capabilities":["stop"],"version":"1",` +
			`"instance":"i","log_id":"l","applied_seq":7,"state":{"players":1,"spawn_delay_ms":2,"running":true},` +
			`"lease_lost":true,"weight":0.5,"max_players":10}`,
		`{"type":"register","driver_id":"d-1","weight":1e-3,"applied_seq":7.0}`,
		`{"type":"register","driver_id":"a","driver_id":"b"}`, `{"type":"register","labels":{"\u0000":"\ud800"}}`,
		`{"type":"heartbeat","applied_seq":3,"state":{"players":-1},"metrics":{"rps":1e308,"x":-0}}`,
		`{"type":"command_ack","seq":7,"status":"applied"}`,
		`{"type":"command_ack","seq":7,"status":"rejected","code":"é","detail":"` + "\u20ac" + `"}`,
		`{"type":"deregister","reason":"done"}`, `{}`, `[]`, "null", "", "{\"type\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		fuzzRegister(t, frame)
		fuzzBeat(t, frame)
		fuzzAck(t, frame)
	})
}

func fuzzRegister(t *testing.T, frame []byte) {
	reg, code, problem := parseRegister(frame)
	if code != 0 {
		if code != wire.CloseNotJSON && problem == "" {
			t.Fatalf("refused with %d without a reason", code)
		}
		return
	}
	if !swarm.ValidDriverID(reg.DriverID) || len(swarm.ValidateLabels(reg.Labels, "/labels")) > 0 {
		t.Fatalf("took the driver %q with %q", reg.DriverID, reg.Labels)
	}
	if share := shareOf(reg); share.Weight < 1 || share.Weight > maxWeight*1000 || share.Cap < 0 {
		t.Fatalf("its share is %+v", share)
	}
	encoded := wire.Encode(reg)
	again, code, problem := parseRegister(encoded)
	if code != 0 || !bytes.Equal(wire.Encode(again), encoded) {
		t.Fatalf("took %s, but not again: %d %s", encoded, code, problem)
	}
}

func fuzzBeat(t *testing.T, frame []byte) {
	var beat, again wire.Heartbeat
	if wire.Decode(frame, &beat) != nil || checkBeat(&beat) != "" {
		return
	}
	encoded := wire.Encode(beat)
	if err := wire.Decode(encoded, &again); err != nil || !bytes.Equal(wire.Encode(again), encoded) {
		t.Fatalf("took %s, but not again: %v", encoded, err)
	}
	if problem := checkBeat(&again); problem != "" {
		t.Fatalf("took %s, but not again: %s", encoded, problem)
	}
}

func fuzzAck(t *testing.T, frame []byte) {
	var ack wire.CommandAck
	if wire.Decode(frame, &ack) != nil {
		return
	}
	reply, problem := replyOf(&ack)
	if problem != "" {
		return
	}
	if len(reply.Code) > swarm.MaxRejectCodeBytes || len(reply.Detail) > swarm.MaxRejectDetailBytes ||
		!utf8.ValidString(reply.Code) || !utf8.ValidString(reply.Detail) {
		t.Fatalf("took the answer %q %q", reply.Code, reply.Detail)
	}
}
