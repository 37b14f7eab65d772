package api_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// frameTypes are the senders of each frame: the server receives what drivers send.
var frameTypes = map[string]string{
	wire.TypeRegister: "receive", wire.TypeHeartbeat: "receive", wire.TypeCommandAck: "receive",
	wire.TypeDeregister: "receive",
	wire.TypeRegistered: "send", wire.TypeHeartbeatAck: "send", wire.TypeCommand: "send", wire.TypeDrain: "send",
	wire.TypeError: "send",
}

type object = map[string]any

func load(t *testing.T, path string) object {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc object
	if filepath.Ext(path) == ".json" {
		err = json.Unmarshal(b, &doc)
	} else {
		err = yaml.Unmarshal(b, &doc)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return doc
}

// TestAsyncAPIReferences follows every $ref of the document, and those of the files it refers to.
func TestAsyncAPIReferences(t *testing.T) {
	seen, todo := map[string]bool{}, []string{"asyncapi.yaml"}
	for len(todo) > 0 {
		file := todo[0]
		todo = todo[1:]
		if seen[file] {
			continue
		}
		seen[file] = true
		for _, ref := range refs(load(t, file)) {
			path, pointer, _ := strings.Cut(ref, "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if err := resolve(load(t, target), pointer); err != nil {
				t.Errorf("%s: $ref %s: %v", file, ref, err)
			}
			todo = append(todo, target)
		}
	}
	if want := len(frameTypes) + 2; len(seen) != want {
		t.Errorf("%d files are referred to, want %d: the document, the schemas and what they share", len(seen), want)
	}
}

func refs(v any) (out []string) {
	switch v := v.(type) {
	case object:
		for key, value := range v {
			if s, ok := value.(string); ok && key == "$ref" {
				out = append(out, s)
			}
			out = append(out, refs(value)...)
		}
	case []any:
		for _, value := range v {
			out = append(out, refs(value)...)
		}
	}
	return out
}

func resolve(doc any, pointer string) error {
	for _, name := range strings.Split(pointer, "/")[1:] {
		m, ok := doc.(object)
		if !ok || m[name] == nil {
			return fmt.Errorf("there is no %q", name)
		}
		doc = m[name]
	}
	return nil
}

// TestAsyncAPIHasEveryFrame: each frame type is a message of the channel, with its schema, and is sent or received by
// an operation.
func TestAsyncAPIHasEveryFrame(t *testing.T) {
	doc := load(t, "asyncapi.yaml")
	if doc["asyncapi"] != "3.0.0" || doc["info"].(object)["version"] != wire.Subprotocol {
		t.Errorf("is AsyncAPI %v of %v", doc["asyncapi"], doc["info"].(object)["version"])
	}
	channel := doc["channels"].(object)["connect"].(object)
	if channel["address"] != "/drivers/connect" || channel["bindings"].(object)["ws"] == nil {
		t.Error("the channel is not the driver socket")
	}
	messages, components := channel["messages"].(object), doc["components"].(object)["messages"].(object)
	used := directions(t, doc["operations"].(object))
	for kind, want := range frameTypes {
		message, _ := components[kind].(object)
		if messages[kind] == nil || message == nil {
			t.Errorf("%s is no message", kind)
			continue
		}
		if ref := message["payload"].(object)["$ref"]; ref != "../driver/wire/schema/"+kind+".json" {
			t.Errorf("%s has the schema %v", kind, ref)
		}
		if used[kind] != want {
			t.Errorf("%s: the server has to %s it, the document says %q", kind, want, used[kind])
		}
	}
	if len(messages) != len(frameTypes) || len(components) != len(frameTypes) {
		t.Errorf("%d and %d messages, want %d", len(messages), len(components), len(frameTypes))
	}
}

// directions returns which messages the server sends and receives, according to the operations; a reply goes the other
// way.
func directions(t *testing.T, operations object) map[string]string {
	t.Helper()
	out := map[string]string{}
	both := []string{"send", "receive"}
	for name, op := range operations {
		op := op.(object)
		at := slices.Index(both, op["action"].(string))
		if at < 0 {
			t.Fatalf("operation %s has the action %v", name, op["action"])
		}
		note := func(part object, action string) {
			if part["channel"].(object)["$ref"] != "#/channels/connect" {
				t.Errorf("operation %s is not of the channel", name)
			}
			for _, m := range part["messages"].([]any) {
				out[strings.TrimPrefix(m.(object)["$ref"].(string), "#/channels/connect/messages/")] = action
			}
		}
		note(op, both[at])
		if reply, ok := op["reply"].(object); ok {
			note(reply, both[1-at])
		}
	}
	return out
}
