package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/command"
)

// at follows a path of names into a document.
func at(t *testing.T, doc any, names ...string) any {
	t.Helper()
	for _, name := range names {
		o, ok := doc.(object)
		if !ok || o[name] == nil {
			t.Fatalf("the document has no %s", strings.Join(names, "/"))
		}
		doc = o[name]
	}
	return doc
}

// bounded checks for an integer or number from 0 to most.
func bounded(t *testing.T, what string, schema any, most string) {
	t.Helper()
	o, _ := schema.(object)
	if fmt.Sprint(o["minimum"]) != "0" || fmt.Sprint(o["maximum"]) != most {
		t.Errorf("%s is from %v to %v, the table has 0 to %s", what, o["minimum"], o["maximum"], most)
	}
}

// TestOpenAPIHasTheTable: the published contract and the command table agree.
func TestOpenAPIHasTheTable(t *testing.T) {
	schemas := at(t, load(t, "openapi.yaml"), "components", "schemas")
	var types []any
	for _, r := range command.Table() {
		types = append(types, string(r.Type))
		ref := at(t, schemas, "Command", "discriminator", "mapping", string(r.Type)).(string)
		schema := at(t, schemas, ref[strings.LastIndex(ref, "/")+1:])
		members := []string{"note", "type"}
		if r.HasValue() {
			members = append(members, r.Value)
			bounded(t, r.Value, at(t, schema, "properties", r.Value), r.Number(r.Max))
		}
		if r.Total != "" {
			members = append(members, r.Total)
			bounded(t, r.Total, at(t, schema, "properties", r.Total), r.Number(r.MaxTotal))
			at(t, schemas, "SplitPart", "properties", r.Value)
		}
		has(t, string(r.Type), at(t, schema, "properties"), members)
		if r.Drift != "" {
			at(t, schemas, "DriverReport", "properties", r.Drift)
			if !slices.Contains(at(t, schemas, "DriftReason", "enum").([]any), any(r.Drift)) {
				t.Errorf("DriftReason has no %s", r.Drift)
			}
		}
	}
	if got := at(t, schemas, "CommandType", "enum").([]any); !slices.Equal(got, types) {
		t.Errorf("CommandType is %v, the table has %v", got, types)
	}
	if got := at(t, schemas, "Command", "oneOf").([]any); len(got) != len(types) {
		t.Errorf("Command is one of %v", got)
	}
}

// TestFrameSchemaHasTheTable: the schemas of a command in a frame and of a state agree with the table too.
func TestFrameSchemaHasTheTable(t *testing.T) {
	defs := at(t, load(t, "../driver/wire/schema/defs.json"), "$defs")
	var types []any
	members, state := []string{"note", "type"}, []string{"running"}
	required := fmt.Sprint(at(t, defs, "command", "allOf"))
	for _, r := range command.Table() {
		types = append(types, string(r.Type))
		if r.HasValue() {
			members = append(members, r.Value)
			if want := fmt.Sprintf("required:[%s]", r.Value); !strings.Contains(required, want) {
				t.Errorf("%s does not require %s: %s", r.Type, r.Value, required)
			}
		}
		if r.Drift != "" {
			state = append(state, r.Drift)
		}
	}
	has(t, "command", at(t, defs, "command", "properties"), members)
	has(t, "state", at(t, defs, "state", "properties"), state)
	if got := at(t, defs, "command", "properties", "type", "enum").([]any); !slices.Equal(got, types) {
		t.Errorf("the type of a command is %v, the table has %v", got, types)
	}
}

// has checks for exactly these members.
func has(t *testing.T, what string, properties any, want []string) {
	t.Helper()
	var got []string
	for name := range properties.(object) {
		got = append(got, name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s has the members %v, the table %v", what, got, want)
	}
}
