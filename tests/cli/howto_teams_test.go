package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The addresses in docs/howto/teams.md.
const (
	howtoServer = "http://127.0.0.1:8080"
	howtoTarget = "http://127.0.0.1:9000"
)

// howto is a document whose commands a test carries out as they are written.
type howto struct {
	t      *testing.T
	url    string // of the server
	dir    string // where the commands run
	text   string // without the blocks, in single-spaced words
	blocks [][2]string
}

var (
	howtoBlock = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```\n")
	howtoSpan  = regexp.MustCompile("`[^`]+`")
)

func readHowto(t *testing.T, name, url string) *howto {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../docs/howto", name))
	if err != nil {
		t.Fatal(err)
	}
	h := &howto{t: t, url: url, dir: t.TempDir()}
	for _, m := range howtoBlock.FindAllStringSubmatch(string(b), -1) {
		h.blocks = append(h.blocks, [2]string{m[1], m[2]})
	}
	h.text = strings.Join(strings.Fields(howtoBlock.ReplaceAllString(string(b), "")), " ")
	return h
}

// block takes the next fenced block, which has to be of this language.
func (h *howto) block(language string) string {
	h.t.Helper()
	if len(h.blocks) == 0 || h.blocks[0][0] != language {
		h.t.Fatalf("the next block is not %s: %q", language, h.blocks)
	}
	text := h.blocks[0][1]
	h.blocks = h.blocks[1:]
	return text
}

// span returns the first code between words that begins so.
func (h *howto) span(prefix string) string {
	h.t.Helper()
	for _, span := range howtoSpan.FindAllString(h.text, -1) {
		if code := strings.Trim(span, "`"); strings.HasPrefix(code, prefix) {
			return code
		}
	}
	h.t.Fatalf("the page does not show %q", prefix)
	return ""
}

// start starts a script in a shell, as a reader would type it.
func (h *howto) start(script, url string) *process {
	h.t.Helper()
	return start(h.t, exec.Command("sh", "-c", "cd '"+h.dir+"'\n"+script), url)
}

// follow runs a line to its end, which has to be a success.
func (h *howto) follow(line string) *process {
	h.t.Helper()
	p := h.start("exec "+line, h.url)
	p.code(0)
	return p
}

// team is what the drivers of a team load.
type team struct {
	*httptest.Server

	hits   atomic.Int64
	loaded chan struct{} // closed by the first request
}

func newTeam(t *testing.T) *team {
	t.Helper()
	target := &team{loaded: make(chan struct{})}
	target.Server = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if target.hits.Add(1) == 1 {
			close(target.loaded)
		}
	}))
	t.Cleanup(target.Close)
	return target
}

func (target *team) isLoaded(t *testing.T) {
	t.Helper()
	select {
	case <-target.loaded:
	case <-time.After(patience):
		t.Fatal("the team's driver sends no request")
	}
}

// TestHowtoTeams follows docs/howto/teams.md line by line. The driver of the other team never gets a command.
func TestHowtoTeams(t *testing.T) {
	s, _ := newWorld(t)
	h := readHowto(t, "teams.md", s.url())
	shop, search := newTeam(t), newTeam(t)
	for line := range strings.Lines(h.block("sh")) {
		target := shop
		if strings.Contains(line, "team=search") {
			target = search
		}
		h.start("exec "+strings.ReplaceAll(line, howtoTarget, target.URL), h.url)
	}
	swarmcall(t, h.url, "wait", "drivers", "2").code(0)

	for line := range strings.Lines(h.block("sh")) {
		switch words := strings.Fields(line); words[1] {
		case "watch":
			h.watch(words[1:4])
		case "drivers":
			if out := h.follow(line).Out.String(); !strings.Contains(out, "shop-1\tactive") ||
				strings.Contains(out, "search-1") {
				t.Errorf("%s\n%s", line, out)
			}
		case "commands":
			if out := h.follow(line).Out.String(); !strings.HasSuffix(out, "\tteam=shop\n") {
				t.Errorf("the last column is not the target:\n%s", out)
			}
		case "players":
			h.follow(line).says("1 of 1 acked")
			shop.isLoaded(t)
		default:
			h.follow(line)
		}
	}
	misspelt := swarmcall(t, h.url, "stop", "--label", "team=shopp")
	misspelt.code(6)
	misspelt.says("in use: team: search, shop")

	h.alias()
	if err := os.WriteFile(filepath.Join(h.dir, "shop.yaml"), []byte(h.block("yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	h.follow(h.span("swarmcall run --check")).prints("matching now: ")
	for line := range strings.Lines(h.block("sh")) {
		h.follow(line).says("1 of 1 acked")
	}
	if _, err := os.Stat(filepath.Join(h.dir, "swarmcall.xml")); err != nil {
		t.Errorf("the run wrote no report: %v", err)
	}
	h.onlyShop()
	if n := search.hits.Load(); n > 0 {
		t.Errorf("the other team's driver sent %d requests", n)
	}
}

// watch looks at the team's view, and stops its drivers with the key that the page names.
func (h *howto) watch(args []string) {
	x := onTerminal(h.t, h.url, args...)
	if shown := x.shows("● live", "only team=shop", "1 active", "shop-1"); strings.Contains(shown, "search-1") {
		h.t.Errorf("the view of one team has the driver of another:\n%s", shown)
	}
	x.types("s")
	x.shows("Stop the load on", "team=shop?")
	x.types("y")
	x.shows("stop: complete, 1 of 1 acked")
	x.types("q")
	x.code(0)
}

// alias saves the context and the alias of the page, and uses both.
func (h *howto) alias() {
	h.t.Helper()
	context := strings.ReplaceAll(h.span("swarmcall context set shop"), howtoServer, h.url)
	p := h.start(context+"\n"+h.span("alias stop-shop=")+"\nstop-shop --context shop", "")
	p.code(0)
	p.says("stop: complete, 1 of 1 acked")
	if last := lines(h.follow("swarmcall commands list --limit 1").Out.String(), "\tstop\t"); len(last) != 1 ||
		!strings.Contains(last[0], "\tteam/shop\t") {
		h.t.Errorf("the submitter is not that of the context: %q", last)
	}
}

// onlyShop checks that all commands were for one team, and that the other team's driver has none to apply.
func (h *howto) onlyShop() {
	h.t.Helper()
	for line := range strings.Lines(h.follow("swarmcall commands list -o jsonl --limit 0").Out.String()) {
		var e struct {
			Target struct{ Labels map[string]string }
			Counts struct{ Targeted int }
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Target.Labels["team"] != "shop" ||
			e.Counts.Targeted != 1 {
			h.t.Errorf("a command for others than the team, %v: %s", err, line)
		}
	}
	var other struct {
		AppliedSeq int64 `json:"applied_seq"`
		LastAck    any   `json:"last_ack"`
	}
	out := h.follow("swarmcall drivers show search-1 -o json").Out.String()
	if err := json.Unmarshal([]byte(out), &other); err != nil || other.AppliedSeq != 0 || other.LastAck != nil {
		h.t.Errorf("the other team's driver got a command, %v:\n%s", err, out)
	}
}
