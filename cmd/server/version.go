package main

import (
	"runtime/debug"

	"github.com/swarmcall/swarmcall/cmd/server/app"
)

// version is set by the linker; see the Makefile.
var version = "dev"

func buildVersion() app.Version {
	v := app.Version{Version: version}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.GoVersion = info.GoVersion
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Revision = s.Value
		}
	}
	return v
}
