package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker; see the Makefile.
var version = ""

// build describes what was built.
type build struct {
	Version   string `json:"version"`
	Revision  string `json:"revision,omitempty"`
	GoVersion string `json:"go_version"`
	Platform  string `json:"platform"`
}

func buildVersion() build {
	b := build{Version: version, GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	if b.Version == "" {
		b.Version = info.Main.Version // of `go install …@version`; else "(devel)"
	}
	return b
}

// versionCmd prints the version.
type versionCmd struct {
	JSON bool `name:"json" help:"As JSON."`
}

// Run prints the version to stdout.
func (c *versionCmd) Run(_ context.Context, s streams) error {
	b := buildVersion()
	if c.JSON {
		return json.NewEncoder(s.out).Encode(b)
	}
	_, err := fmt.Fprintf(s.out, "swarmcall %s (%s, %s)\n", b.Version, b.GoVersion, b.Platform)
	return err
}
