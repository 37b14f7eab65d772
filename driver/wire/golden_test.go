package wire_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// frames makes an empty frame of each type.
var frames = map[string]func() any{
	wire.TypeRegister:     func() any { return new(wire.Register) },
	wire.TypeRegistered:   func() any { return new(wire.Registered) },
	wire.TypeHeartbeat:    func() any { return new(wire.Heartbeat) },
	wire.TypeHeartbeatAck: func() any { return new(wire.HeartbeatAck) },
	wire.TypeCommand:      func() any { return new(wire.CommandFrame) },
	wire.TypeCommandAck:   func() any { return new(wire.CommandAck) },
	wire.TypeDeregister:   func() any { return new(wire.Deregister) },
	wire.TypeDrain:        func() any { return new(wire.Drain) },
	wire.TypeError:        func() any { return new(wire.Error) },
}

// TestGolden compares every frame with its golden bytes: if they change, the protocol changes.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			golden, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden = bytes.TrimSuffix(golden, []byte("\n"))
			kind, err := wire.TypeOf(golden)
			if err != nil || frames[kind] == nil {
				t.Fatalf("TypeOf = %q, %v; want the type of a frame", kind, err)
			}
			seen[kind] = true
			frame := frames[kind]()
			if err := wire.Decode(golden, frame); err != nil {
				t.Fatal(err)
			}
			if got := wire.Encode(frame); !bytes.Equal(got, golden) {
				t.Errorf("encoded again:\n%s\nwant\n%s", got, golden)
			}
		})
	}
	for kind := range frames {
		if !seen[kind] {
			t.Errorf("no golden frame of type %s", kind)
		}
	}
}

func TestDecodeIgnoresUnknownFields(t *testing.T) {
	var got wire.Drain
	if err := wire.Decode([]byte(`{"later":[1,{"x":null}],"reconnect_after_ms":5,"type":"drain"}`), &got); err != nil {
		t.Fatal(err)
	}
	if want := (wire.Drain{Type: "drain", ReconnectAfterMS: 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
