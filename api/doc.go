// Package api is the HTTP contract: openapi.yaml, and the types and the server interface generated from it. Package
// api/client is the client generated from it.
package api

import _ "embed" // the contract itself

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config server.cfg.yaml openapi.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config client.cfg.yaml openapi.yaml

// Spec is openapi.yaml.
//
//go:embed openapi.yaml
var Spec []byte
