// Package schema holds the JSON Schemas (2020-12) of the frames, one file per frame type, and defs.json with what they
// share. They are the only definition of what a frame may hold: api/asyncapi.yaml refers to them, and tests check
// package wire and every frame they see against them. Both sides ignore fields that are not in them.
package schema

import "embed"

// Files has register.json, registered.json and so on, and defs.json.
//
//go:embed *.json
var Files embed.FS
