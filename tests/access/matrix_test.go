package access

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/internal/httpapi"
)

var update = flag.Bool("update", false, "write the golden files again")

// everybody are the principals of the matrix, by name.
var everybody = map[string]string{
	"viewer": "viewer", "stopper": "stopper", "controller": "controller", "admin": "admin",
	"driver":  "driver, labels: {team: shop}",
	"expired": "admin, expires: 2020-01-01T00:00:00Z", "revoked": "admin",
	"out-of-scope": "controller, scope: {team: shop}",
}

// columns are the credentials of the matrix in order: "none" is no credential.
var columns = []string{"none", "expired", "revoked", "driver", "viewer", "stopper", "controller", "out-of-scope", "admin"}

// TestMatrix sends every method to every route with every credential. A new route or another role changes the golden
// file, so a reviewer sees it.
func TestMatrix(t *testing.T) {
	w := start(t, everybody, func(c *app.Config) { c.TrustedProxies = []string{"127.0.0.1"} })
	w.asset = regexp.MustCompile(`/ui/assets/[^"]+`).FindString(w.do("GET", "/ui/login", "", "").body)
	w.revoke("revoked")
	w.eventually(func() bool { return w.do("GET", "/whoami", "", "revoked").StatusCode == http.StatusUnauthorized })
	var got strings.Builder
	for _, pattern := range patterns() {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			fmt.Fprintf(&got, "%-7s %-22s", method, pattern)
			for _, column := range columns {
				fmt.Fprintf(&got, " %s=%s", column, w.cell(method, pattern, column))
			}
			got.WriteString("\n")
		}
	}
	const golden = "testdata/matrix.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	wantLines, gotLines := strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")
	for i := range max(len(wantLines), len(gotLines)) {
		if at(wantLines, i) != at(gotLines, i) {
			t.Errorf("got  %s\nwant %s", at(gotLines, i), at(wantLines, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing"
}

// patterns are the paths of the table of routes.
func patterns() (out []string) {
	for _, r := range httpapi.Routes() {
		if !slices.Contains(out, r.Pattern) {
			out = append(out, r.Pattern)
		}
	}
	return out
}

// cell is how one request is answered: its status, and the code of a problem.
func (w *world) cell(method, pattern, column string) string {
	path := strings.NewReplacer("{seq}", "1", "{driver_id}", "d-1", "/ui/assets/*", w.asset, "*", "drivers").Replace(pattern)
	body := ""
	if method == http.MethodPost {
		body = stop
		if strings.HasPrefix(path, "/ui/") {
			body = "type=stop&token=" + w.secret("admin") // for the forms of commands and of the sign-in
		}
	}
	if column == "none" {
		column = ""
	}
	w.asked++ // each request comes from an address of its own, or too many would lack a credential
	a := w.do(method, path, body, column, "Content-Type: "+contentType(path),
		fmt.Sprintf("X-Forwarded-For: 10.0.%d.%d", w.asked/250, w.asked%250))
	cell := fmt.Sprint(a.StatusCode)
	if a.Code != "" {
		cell += ":" + a.Code
	}
	if to := a.Header.Get("Location"); a.StatusCode == http.StatusSeeOther {
		to, _, _ = strings.Cut(to, "?")
		cell += ":" + to
	}
	return cell
}

func contentType(path string) string {
	if strings.HasPrefix(path, "/ui/") {
		return "application/x-www-form-urlencoded"
	}
	return "application/json"
}

// TestMatrixIsTheTable holds the golden file to the table of routes: a request that needs a role is refused to everybody
// who does not have it, and to nobody else.
func TestMatrixIsTheTable(t *testing.T) {
	golden, err := os.ReadFile("testdata/matrix.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]map[string]string{}
	for line := range strings.Lines(string(golden)) {
		words := strings.Fields(line)
		cells := map[string]string{}
		for _, word := range words[2:] {
			column, cell, _ := strings.Cut(word, "=")
			cells[column] = cell
		}
		lines[words[0]+" "+words[1]] = cells
	}
	for _, r := range httpapi.Routes() {
		cells := lines[r.Method+" "+r.Pattern]
		for _, column := range columns {
			allowed := allows(r.Needs, column)
			if refused := isRefusal(cells[column]); refused == allowed {
				t.Errorf("%s %s needs %s: %s gets %s", r.Method, r.Pattern, r.Needs, column, cells[column])
			}
		}
	}
}

func allows(needs, column string) bool {
	roles := []string{"viewer", "stopper", "controller", "admin"}
	switch {
	case needs == "nothing":
		return true
	case column == "none" || column == "expired" || column == "revoked":
		return false
	case needs == "any":
		return true
	case needs == "driver" || column == "driver":
		return column == needs || column == "admin"
	case column == "out-of-scope":
		return needs == "viewer"
	}
	return slices.Index(roles, column) >= slices.Index(roles, needs)
}

func isRefusal(cell string) bool {
	return strings.HasPrefix(cell, "401") || strings.HasPrefix(cell, "403")
}
