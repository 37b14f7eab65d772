// Package wiretest checks frames against their JSON Schemas, for the tests of the SDK, of the conformance kit and of
// the server.
package wiretest

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/driver/wire/schema"
)

// base is the URL of the schemas' directory, for their references to one another.
const base = "file:///schema/"

// compiled returns the schema of each frame type.
var compiled = sync.OnceValues(compile)

func compile() (map[string]*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	names, err := fs.Glob(schema.Files, "*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		b, err := schema.Files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := c.AddResource(base+name, doc); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	out := map[string]*jsonschema.Schema{}
	for _, name := range names {
		s, err := c.Compile(base + name)
		if err != nil {
			return nil, err
		}
		out[strings.TrimSuffix(name, ".json")] = s
	}
	delete(out, "defs")
	return out, nil
}

// Types returns the frame types that have a schema.
func Types() ([]string, error) {
	all, err := compiled()
	var out []string
	for name := range all {
		out = append(out, name)
	}
	return out, err
}

// Check returns how frame violates the schema of its type, nil if it does not.
func Check(frame []byte) error {
	all, err := compiled()
	if err != nil {
		return err
	}
	kind, err := wire.TypeOf(frame)
	if err != nil {
		return err
	}
	s, ok := all[kind]
	if !ok {
		return fmt.Errorf("there is no frame of type %q", kind)
	}
	if len(frame) > wire.MaxFrameBytes {
		return fmt.Errorf("the frame has %d bytes, over %d", len(frame), wire.MaxFrameBytes)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(frame))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}
