package program

import (
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/drivetest"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

func TestMain(m *testing.M) {
	proc.RunGuardIfRequested()
	goleak.VerifyTestMain(m)
}

// shell starts a shell script.
func shell(t *testing.T, script string) *Generator {
	t.Helper()
	return start(t, "sh", "-c", script)
}

func start(t *testing.T, argv ...string) *Generator {
	t.Helper()
	g, err := Start(argv, t.Output(), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// loop returns a script that runs body for each line.
func loop(body string) string { return `while read -r line; do ` + body + `; done` }

func players(n int64) driver.Command {
	return driver.Command{Type: driver.SetPlayers, Players: n, Deadline: 10 * time.Second}
}

var stop = driver.Command{Type: driver.Stop, Deadline: 10 * time.Second}

func TestAcksAndState(t *testing.T) {
	g := shell(t, `n=0; echo 'no json'; echo '{"type":"dance"}'; echo '{"type":"ack","id":99}'; `+
		loop(`n=$((n+1)); echo "{\"type\":\"ack\",\"id\":$n}"; echo "$line" >&2`))
	drivetest.Applied(t, g, players(7))
	if s := g.State(); s.Players != 7 || !s.Running {
		t.Errorf("without a report the ack counts: %+v", s)
	}
	drivetest.Applied(t, g, driver.Command{Type: driver.SetSpawnDelay, SpawnDelayMS: 30})
	drivetest.Applied(t, g, stop)
	if s := g.State(); s != (driver.State{SpawnDelayMS: 30}) {
		t.Errorf("after the Stop: %+v", s)
	}
}

func TestReportsGoBeforeAcks(t *testing.T) {
	g := shell(t, loop(`echo '{"type":"ack","id":1}'; sleep 0.02; echo '{"type":"state","players":3,"spawn_delay_ms":5,"metrics":{"rps":1.5}}'`))
	drivetest.Applied(t, g, players(7))
	drivetest.Eventually(t, "3 players",
		func() bool { return g.State() == driver.State{Players: 3, SpawnDelayMS: 5, Running: true} })
	c := players(9)
	c.Deadline = 100 * time.Millisecond
	drivetest.Rejected(t, g, c, codeNoAnswer, "") // it acks only id 1, but its state counts
	if g.State().Players != 3 {
		t.Errorf("state %+v", g.State())
	}
	if g.Metrics()["rps"] != 1.5 {
		t.Errorf("metrics %v", g.Metrics())
	}
}

// TestIntegersOfOtherLanguages: a program in a language that has only floats writes 3.0 for 3.
func TestIntegersOfOtherLanguages(t *testing.T) {
	g := shell(t,
		loop(`echo '{"type":"ack","id":1.0}'; `+
			`echo '{"type":"state","players":3.0,"spawn_delay_ms":5e0,"metrics":{"rps":1.5}}'`))
	drivetest.Applied(t, g, players(7))
	drivetest.Eventually(t, "3 players",
		func() bool { return g.State() == driver.State{Players: 3, SpawnDelayMS: 5, Running: true} })
}

func TestRejections(t *testing.T) {
	g := shell(t, `read -r line; echo '{"type":"reject","id":1,"code":"busy","detail":"not now"}'; read -r line; echo '{"type":"reject","id":2}'; cat >/dev/null`)
	drivetest.Rejected(t, g, players(7), "busy", "not now")
	drivetest.Rejected(t, g, players(7), codeRejected, "")
	c := players(7)
	c.Deadline = 100 * time.Millisecond
	drivetest.Rejected(t, g, c, codeNoAnswer, "set_players with id 3")
	if s := g.State(); s.Players != 0 {
		t.Errorf("state %+v", s)
	}
}

func TestAProgramThatDoesNotRead(t *testing.T) {
	g := start(t, "sleep", "100")
	c := players(7)
	c.Deadline, c.Note = 500*time.Millisecond, strings.Repeat("x", 16<<10)
	for range 3 {
		drivetest.Rejected(t, g, c, codeNoAnswer, "")
	}
	drivetest.Rejected(t, g, c, codeDeaf, "timeout") // the pipe of 64 KiB is full
}

func TestAStopEndsAProgramThatDoesNotAnswer(t *testing.T) {
	g := shell(t, `trap '' TERM; read -r line; echo '{"type":"ack","id":1}'; cat >/dev/null`)
	drivetest.Applied(t, g, players(7))
	s := stop
	s.Deadline = 100 * time.Millisecond
	drivetest.Applied(t, g, s)
	<-g.Ended()
	if !strings.Contains(g.Err().Error(), "signal: killed") {
		t.Error(g.Err())
	}
}

func TestTheEndOfStdinEndsIt(t *testing.T) {
	g := shell(t, loop(`echo '{"type":"ack","id":1}'`)+`; echo bye >&2; exit 3`)
	drivetest.Applied(t, g, players(7))
	g.Close()
	<-g.Ended()
	if !strings.Contains(g.Err().Error(), "exit status 3; its last line: bye") {
		t.Error(g.Err())
	}
}

// TestACommandMeetsTheEnd: when a program ends, its stdin closes before the driver notices the end. Apply answers only
// when both are known.
func TestACommandMeetsTheEnd(t *testing.T) {
	g := shell(t, `exec <&-; echo '{"type":"state","players":1}'; sleep 0.3; exit 3`)
	drivetest.Eventually(t, "its stdin is closed", func() bool { return g.State().Players == 1 })
	if err := g.Apply(t.Context(), players(7)); err == nil {
		t.Error("it was applied")
	}
	select {
	case <-g.Ended():
	default:
		t.Error("answered before the end was known")
	}
}

func TestNoSuchProgram(t *testing.T) {
	for _, name := range []string{"/does/not/exist", "no-such-program"} {
		if _, err := Start([]string{name}, nil, slog.New(slog.DiscardHandler)); clierr.CodeOf(err) != clierr.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLongLines(t *testing.T) {
	var got []string
	long := 0
	s := &splitter{line: func(b []byte) { got = append(got, string(b)) }, long: func() { long++ }}
	for _, part := range []string{"a", "b\n\n  \nc\n", strings.Repeat("x", maxLine), "x", "y\nd\n"} {
		_, _ = s.Write([]byte(part))
	}
	if strings.Join(got, ",") != "ab,c,d" || long != 1 {
		t.Errorf("%q, %d too long", got, long)
	}
}

// TestExamples runs the examples of the how-to.
func TestExamples(t *testing.T) {
	page, err := os.ReadFile("../../../../../docs/howto/drive-exec.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)<!-- tested.*?-->\n```(\\w+)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(examples) != 2 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, example := range examples {
		t.Run(example[1], func(t *testing.T) {
			argv := map[string][]string{"python": {"python3", "-c"}, "sh": {"sh", "-c"}}[example[1]]
			if _, err := exec.LookPath(argv[0]); err != nil {
				testenv.SkipOrFail(t, "%v", err)
			}
			if lines := strings.Count(strings.TrimSpace(example[2]), "\n") + 1; lines > 22 {
				t.Errorf("the example has %d lines", lines)
			}
			g := start(t, append(argv, example[2])...)
			drivetest.EventuallyApplied(t, g, players(1))
			for _, n := range []int64{3, 5, 2} {
				drivetest.Applied(t, g, players(n))
				drivetest.Eventually(t, "its state", func() bool { return g.State().Players == n })
			}
			drivetest.Applied(t, g, driver.Command{Type: driver.SetSpawnDelay, SpawnDelayMS: 30})
			drivetest.Applied(t, g, stop)
			drivetest.Eventually(t, "its state", func() bool { return g.State() == driver.State{SpawnDelayMS: 30} })
		})
	}
}

// TestACommandAfterTheEnd: Apply waits until it is known how the program ended, because the closed stdin says less.
// That takes a moment if descendants must be ended too.
func TestACommandAfterTheEnd(t *testing.T) {
	g := shell(t, `trap '' TERM; (while :; do sleep 0.01; done) & exec <&-; exit 3`)
	drivetest.Eventually(t, "its stdin is closed", func() bool {
		_ = g.stdin.SetWriteDeadline(time.Now().Add(time.Second))
		_, err := g.stdin.WriteString("\n")
		return err != nil
	})
	drivetest.Rejected(t, g, players(1), codeDeaf, "")
	select {
	case <-g.Ended():
	default:
		t.Error("rejected before the end was known")
	}
}
