package page_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/page"
	"github.com/swarmcall/swarmcall/web/view"
	"github.com/swarmcall/swarmcall/web/webtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden keeps the HTML of each page as a file, so that a change of it is read in review.
func TestGolden(t *testing.T) {
	chrome := page.Chrome{Title: "Test", Assets: "/assets"}
	for name, component := range map[string]templ.Component{
		"overview":          page.Overview(chrome, view.NewOverview(webtest.World(), "http://127.0.0.1:8080")),
		"overview-empty":    page.Overview(chrome, view.NewOverview(view.World{Now: webtest.Now}, "http://127.0.0.1:8080")),
		"overview-log-down": page.Overview(chrome, view.NewOverview(view.World{Now: webtest.Now, LogErr: swarm.Errorf(swarm.CodeLogUnavailable, "disk")}, "http://127.0.0.1:8080")),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, component) })
	}
}

func golden(t *testing.T, name string, component templ.Component) {
	t.Helper()
	var b bytes.Buffer
	if err := component.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(b.String(), "><", ">\n<") // one element a line, for the eyes
	file := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at it with: go test ./web/page -update && git diff", file)
	}
}
