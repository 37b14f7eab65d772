package wiretest_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/internal/wiretest"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/driver/wire/schema"
)

var frames = map[string]any{
	wire.TypeRegister: wire.Register{}, wire.TypeRegistered: wire.Registered{}, wire.TypeHeartbeat: wire.Heartbeat{},
	wire.TypeHeartbeatAck: wire.HeartbeatAck{}, wire.TypeCommand: wire.CommandFrame{},
	wire.TypeCommandAck: wire.CommandAck{},
	wire.TypeDeregister: wire.Deregister{}, wire.TypeDrain: wire.Drain{}, wire.TypeError: wire.Error{},
}

func TestEveryFrameTypeHasASchema(t *testing.T) {
	got, err := wiretest.Types()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if want := slices.Sorted(maps.Keys(frames)); !slices.Equal(got, want) {
		t.Errorf("schemas of %v, want of %v", got, want)
	}
}

func TestGoldenFramesFit(t *testing.T) {
	files, err := filepath.Glob("../../wire/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := wiretest.Check(b); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
}

// TestFieldsAreTheSame: the frames of package wire and the schemas have the same fields.
func TestFieldsAreTheSame(t *testing.T) {
	for kind, frame := range frames {
		var doc struct {
			Properties map[string]any `json:"properties"`
		}
		read(t, kind+".json", &doc)
		equal(t, kind, fieldsOf(frame), doc.Properties)
	}
	var defs struct {
		Defs map[string]struct {
			Properties map[string]any `json:"properties"`
		} `json:"$defs"`
	}
	read(t, "defs.json", &defs)
	equal(t, "state", fieldsOf(wire.State{}), defs.Defs["state"].Properties)
	members := fieldsOf(wire.Command{})
	for _, row := range command.Table() {
		// a frame has the driver's own share, never a total
		members = slices.DeleteFunc(members, func(name string) bool { return name == row.Total })
	}
	equal(t, "command", members, defs.Defs["command"].Properties)
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	b, err := schema.Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(name, err)
	}
}

func equal(t *testing.T, what string, fields []string, properties map[string]any) {
	t.Helper()
	if want := slices.Sorted(maps.Keys(properties)); !slices.Equal(fields, want) {
		t.Errorf("%s: package wire has the fields %v, the schema %v", what, fields, want)
	}
}

func fieldsOf(frame any) (out []string) {
	typ := reflect.TypeOf(frame)
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func TestCheckRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"no type":                `{}`,
		"unknown type":           `{"type":"weather"}`,
		"no JSON":                `["drain"]`,
		"no driver id":           `{"type":"register"}`,
		"a route as id":          `{"type":"register","driver_id":"stream"}`,
		"id of a tree":           `{"type":"register","driver_id":"a/b"}`,
		"label of a number":      `{"type":"register","driver_id":"d","labels":{"a":1}}`,
		"label with a control":   `{"type":"register","driver_id":"d","labels":{"a":"\u0007"}}`,
		"label with a C1":        `{"type":"register","driver_id":"d","labels":{"a":"\u0085"}}`,
		"label with a bad key":   `{"type":"register","driver_id":"d","labels":{"a b":""}}`,
		"negative players":       `{"type":"heartbeat","state":{"players":-1}}`,
		"metric of a string":     `{"type":"heartbeat","metrics":{"rps":"1"}}`,
		"ack without seq":        `{"type":"command_ack","status":"applied"}`,
		"ack of seq 0":           `{"type":"command_ack","seq":0,"status":"applied"}`,
		"ack of another status":  `{"type":"command_ack","seq":1,"status":"ok"}`,
		"set_players of nothing": `{"type":"command","seq":1,"command":{"type":"set_players"},"deadline_ms":1}`,
		"delay of nothing":       `{"type":"command","seq":1,"command":{"type":"set_spawn_delay_ms","players":1},"deadline_ms":1}`,
		"command of a new kind":  `{"type":"command","seq":1,"command":{"type":"fly"},"deadline_ms":1}`,
		"too long":               `{"type":"deregister","reason":"` + strings.Repeat("x", wire.MaxFrameBytes) + `"}`,
	} {
		if wiretest.Check([]byte(in)) == nil {
			t.Errorf("%s: fits", name)
		}
	}
}

func TestCheckIgnoresUnknownFields(t *testing.T) {
	if err := wiretest.Check([]byte(`{"later":1,"type":"drain","reconnect_after_ms":5}`)); err != nil {
		t.Error(err)
	}
}
