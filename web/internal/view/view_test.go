package view_test

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/internal/testenv"
	"github.com/swarmcall/swarmcall/web/internal/view"
	"github.com/swarmcall/swarmcall/web/internal/viewtest"
)

// asked returns a world where the command seq sets the same number of players for each driver; 0 is a stop.
func asked(players int64, drivers ...swarm.Driver) view.World {
	newest := webtest.Entry(8, swarm.Command{Type: command.SetSpawnDelay}, time.Millisecond, swarm.Verdict{
		Kind: swarm.Acked,
	})
	w := viewtest.Compare(view.World{Now: webtest.Now, Drivers: drivers, Recent: []swarm.Entry{newest}})
	c := swarm.Command{Type: command.SetPlayers, Value: players}
	if players == 0 {
		c = swarm.Command{Type: command.Stop}
	}
	for _, d := range drivers {
		w.Drifts[d.ID] = webtest.Drift(d, []swarm.Wanted{{Seq: 7, Command: c}})
	}
	return w.Settled()
}

// afterReset returns a world after a reset: there is no target.
func afterReset(drivers ...swarm.Driver) view.World {
	w := asked(0, drivers...)
	for id, d := range w.Drifts {
		d.Desired[0].Reset, d.Desired[0].Seq, d.ReportedSeq = true, 1, 1
		w.Drifts[id] = webtest.Compared(d)
	}
	return w.Settled()
}

// unheard returns w before any driver has reported since the command.
func unheard(w view.World) view.World {
	for id, d := range w.Drifts {
		d.ReportedSeq = 0
		w.Drifts[id] = webtest.Compared(d)
	}
	return w.Settled()
}

// unasked returns w without a target for a driver.
func unasked(w view.World, driver string) view.World {
	d := w.Drifts[driver]
	d.Desired = nil
	w.Drifts[driver] = webtest.Compared(d)
	return w.Settled()
}

// is returns a driver that applied seq and reports this many players.
func is(id string, state swarm.DriverState, players int64, seq uint64) swarm.Driver {
	return swarm.Driver{ID: id, State: state, AppliedSeq: seq, Reported: swarm.Report{Players: players},
		HeartbeatAge: 14 * time.Second}
}

// TestHeadline: one sentence says whether the swarm is on target.
func TestHeadline(t *testing.T) {
	active, stale, lost := swarm.Active, swarm.Stale, swarm.Disconnected
	idle := viewtest.Compare(view.World{Now: webtest.Now, Drivers: []swarm.Driver{is("a", active, 0, 0)}})
	for name, tc := range map[string]struct {
		world  view.World
		tone   view.Tone
		word   string
		says   string
		detail string
	}{
		"empty": {viewtest.Compare(view.World{}), view.Off, "No drivers", "no players are running", ""},
		"idle":  {idle, view.Off, "Idle", "No target is set for 1 driver", ""},
		"reset": {afterReset(is("a", active, 0, 0)), view.Off, "Idle", "No target is set for 1 driver",
			""},
		"running on": {afterReset(is("a", active, 4, 9)), view.Busy, "Stopping", "4 players still running",
			"a runs 4 of 0"},
		"converged": {asked(5, is("a", active, 5, 7), is("b", active, 5, 7)), view.OK, "On target",
			"2 of 2 drivers run 10 of 10 players", ""},
		"ramping": {asked(10, is("a", active, 5, 7), is("b", active, 10, 7)), view.Busy, "Ramping",
			"15 of 20 players (75 %); 1 of 2 drivers still changing", "a runs 5 of 10"},
		"behind": {asked(10, is("a", active, 5, 6)), view.Warn, "Off target",
			"0 of 1 drivers on target", "a has not applied #7"},
		"same number, old report": {asked(5, is("a", active, 5, 6)), view.Warn, "Off target", "0 of 1",
			"a has not applied #7"},
		"no report yet": {unheard(asked(5, is("a", active, 5, 7))), view.Busy, "Changing",
			"1 of 1 drivers still changing", "a has not reported since #7"},
		"stale": {asked(5, is("a", active, 5, 7), is("b", stale, 5, 7)), view.Warn, "Off target",
			"1 of 2 drivers on target, 1 unknown: 5 of 10 players",
			"b has been silent for 14 s, last reported 5 players"},
		"lost": {asked(5, is("a", active, 5, 7), is("b", lost, 5, 7)), view.Bad, "Off target",
			"1 of 2", "b is disconnected"},
		"stopping": {asked(0, is("a", active, 0, 7), is("b", active, 3, 7)), view.Busy, "Stopping",
			"1 of 2 drivers report 0 players; 3 players still running", "b runs 3 of 0"},
		"stopped": {asked(0, is("a", active, 0, 7), is("b", active, 0, 7)), view.OK, "Stopped",
			"2 of 2 drivers report 0 players", ""},
		"one stopped by name": {unasked(asked(0, is("a", active, 0, 7), is("b", active, 0, 0)), "b"), view.OK,
			"Stopped", "2 of 2 drivers report 0 players", ""},
		"another runs unasked": {unasked(asked(0, is("a", active, 0, 7), is("b", active, 4, 0)), "b"), view.Warn,
			"Not all stopped", "1 of 2 drivers report 0 players; 4 players run without a target", ""},
		"not all stopped": {asked(0, is("a", active, 0, 7), is("b", lost, 3, 6)), view.Bad, "Not all stopped",
			"1 of 2 drivers report 0 players, 1 unknown.", "b is disconnected"},
	} {
		t.Run(name, func(t *testing.T) {
			h := view.NewStrip(tc.world).Headline
			if h.Tone != tc.tone || h.Word != tc.word || !strings.Contains(h.Says, tc.says) ||
				!strings.Contains(h.Detail, tc.detail) {
				t.Errorf("%+v", h)
			}
		})
	}
}

// TestChartRowsHaveTheCommands: the table beside the chart names the same commands as the chart.
func TestChartRowsHaveTheCommands(t *testing.T) {
	w := viewtest.World()
	w.Samples = nil
	for i := range 60 {
		w.Samples = append(w.Samples, view.Sample{At: webtest.Now.Add(time.Duration(i-59) * 5 * time.Second)})
	}
	c := view.NewPlayersChart(w)
	var rows []string
	for _, r := range c.Rows {
		if r.Commands != "" {
			rows = append(rows, r.Commands)
		}
	}
	slices.Reverse(rows)
	marks := make([]string, len(c.Marks))
	for i, m := range c.Marks {
		marks[len(marks)-1-i] = m.Words
	}
	if got, want := strings.Join(rows, ", "), strings.Join(marks, ", "); got != want || len(marks) < 2 {
		t.Errorf("the rows have %q; the chart marks %q", got, want)
	}
}

// TestMissingAcksCountAsLate: percentiles include missing acks, otherwise they would be too good.
func TestMissingAcksCountAsLate(t *testing.T) {
	ack := swarm.Verdict{Kind: swarm.Acked, Latency: time.Millisecond}
	gone := swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDeadline}
	skipped := swarm.Verdict{Kind: swarm.Superseded}
	stop := swarm.Command{Type: command.Stop}
	for name, tc := range map[string]struct {
		verdicts []swarm.Verdict
		p50, p99 string
	}{
		"all acked":      {[]swarm.Verdict{ack, ack, ack}, "1.0 ms", "1.0 ms"},
		"one missing":    {[]swarm.Verdict{ack, ack, gone}, "1.0 ms", "> 2.0 s"},
		"all missing":    {[]swarm.Verdict{gone, gone}, "> 2.0 s", "> 2.0 s"},
		"one superseded": {[]swarm.Verdict{ack, skipped}, "1.0 ms", "1.0 ms"},
	} {
		c := view.NewLatencyChart(webtest.Entry(1, stop, time.Second, tc.verdicts...))
		if c.Figures[0].Value != tc.p50 || c.Figures[2].Value != tc.p99 {
			t.Errorf("%s: %+v", name, c.Figures)
		}
	}
	if c := view.NewLatencyChart(webtest.Entry(1, stop, time.Second, skipped)); c != nil {
		t.Errorf("nothing was sent, and yet there is a chart: %+v", c)
	}
}

func TestPlayersChartHasHoles(t *testing.T) {
	at := func(s int, n int64) view.Sample {
		return view.Sample{At: webtest.Now.Add(time.Duration(s) * time.Second), Target: 10, Actual: n}
	}
	c := view.NewPlayersChart(viewtest.Compare(view.World{Samples: []view.Sample{at(0, 0), at(1, 5), at(60, 5),
		at(61, 10)}}))
	if len(c.Holes) != 1 || strings.Count(c.Actual, "M") != 2 || c.Max != "10" {
		t.Errorf("%+v", c)
	}
}

func TestDriversAreFilteredAndPaged(t *testing.T) {
	var all []swarm.Driver
	for i := range 250 {
		d := is("d-"+string(rune('a'+i/26))+string(rune('a'+i%26)), swarm.Active, int64(i), 0)
		d.Labels = map[string]string{"odd": []string{"no", "yes"}[i%2]}
		all = append(all, d)
	}
	w := viewtest.Compare(view.World{Drivers: all})
	for query, want := range map[string]struct {
		shown, first string
	}{
		"sort=id":                  {"1–100 of 250", "d-aa"},
		"sort=id&page=3":           {"201–250 of 250", "d-hs"},
		"sort=id&page=99":          {"201–250 of 250", "d-hs"},
		"sort=players":             {"1–100 of 250", "d-jp"},
		"sort=id&label=odd%3Dyes":  {"1–100 of 125", "d-ab"},
		"q=d-b&sort=id":            {"1–26 of 26", "d-ba"},
		"state=stale":              {"0 of 250", ""},
		"state=nonsense&sort=evil": {"1–100 of 250", "d-aa"},
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		m := view.NewDrivers(w, view.ReadDriverFilter(q), "")
		first := ""
		if len(m.Rows) > 0 {
			first = m.Rows[0].ID
		}
		if m.Shown != want.shown || first != want.first {
			t.Errorf("%s: %s from %s", query, m.Shown, first)
		}
	}
}

func TestCLIRepeatsTheCommand(t *testing.T) {
	for want, c := range map[string]struct {
		command swarm.Command
		target  swarm.Target
	}{
		`players set 5 --label='zone=a b' --note='it'\''s'`: {
			swarm.Command{Type: command.SetPlayers, Value: 5, Note: "it's"},
			swarm.Target{Labels: map[string]string{"zone": "a b"}}},
		"players set 900 --total --driver=d-1 --driver=d-2": {
			swarm.Command{Type: command.SetPlayers, Value: 900, Total: true},
			swarm.Target{DriverIDs: []string{"d-1", "d-2"}}},
		"spawn-delay set 1.5s":        {swarm.Command{Type: command.SetSpawnDelay, Value: 1500}, swarm.Target{}},
		`stop --yes --note=--verbose`: {swarm.Command{Type: command.Stop, Note: "--verbose"}, swarm.Target{}},
		`stop --yes --label=$'zone=\u2066x' --note=$'it\'s \u202egpj\\'`: {
			swarm.Command{Type: command.Stop, Note: "it's \u202egpj\\"},
			swarm.Target{Labels: map[string]string{"zone": "\u2066x"}}},
		"stop --yes": {swarm.Command{Type: command.Stop}, swarm.Target{}},
	} {
		e := webtest.Entry(1, c.command, 0)
		e.Issued.Target = c.target
		want = "swarmcall " + want + " --deadline=2s --url=http://127.0.0.1:8080"
		if got := view.CLI("http://127.0.0.1:8080", e.Issued); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestCurlRepeatsTheCommand(t *testing.T) {
	e := webtest.Entry(1, swarm.Command{Type: command.SetPlayers, Value: 5, Note: "it's"}, 0)
	e.Issued.Target = swarm.Target{Labels: map[string]string{"region": "eu"}}
	got := view.Curl("http://127.0.0.1:8080", e.Issued)
	want := `curl -s http://127.0.0.1:8080/commands -H 'content-type: application/json' \
  -d '{"command":{"type":"set_players","players":5,"note":"it'\''s"},"deadline_ms":2000,"target":{"labels":{"region":"eu"}}}'`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestDriverPageSaysWhatTheListSays: a driver that refuses or does not answer is not green on its own page.
func TestDriverPageSaysWhatTheListSays(t *testing.T) {
	silent := is("silent", swarm.Active, 5, 7)
	silent.Unresponsive = true
	w := asked(5, is("fine", swarm.Active, 5, 7), is("refuser", swarm.Active, 0, 6), silent)
	e := swarm.Entry{Seq: 7, Issued: &swarm.Issued{Targets: []string{"fine", "refuser", "silent"}},
		Closed: &swarm.Closed{Verdicts: []swarm.Verdict{
			{Kind: swarm.Acked}, {Kind: swarm.Rejected, Code: "over_cap", Detail: "at most 3"}, {Kind: swarm.Acked},
		}}}
	w.Recent = []swarm.Entry{e}
	w = w.Settled()
	rows := view.NewDrivers(w, view.ReadDriverFilter(url.Values{"sort": {"id"}}), "").Rows
	for i, want := range []struct {
		tone view.Tone
		says string
	}{
		{view.OK, "active, on target: runs 5 players"},
		{view.Warn, "active, refused: refused #7 (over_cap: at most 3)"},
		{view.Warn, "unresponsive, on target: did not answer before the last deadlines; runs 5 players"},
	} {
		d, _ := view.NewDriver(w, rows[i].ID)
		if got := d.State.Word + ", " + d.Standing.Word + ": " + d.Why; d.Tone != want.tone || got != want.says {
			t.Errorf("%s is %s, %s", d.ID, d.Tone, got)
		}
		if d.State != rows[i].State || d.Standing != rows[i].Standing {
			t.Errorf("%s: the page says %v %v, the list %v %v", d.ID, d.State, d.Standing, rows[i].State,
				rows[i].Standing)
		}
	}
}

// TestShellReadsTheSameWords pastes the lines into a shell, which must read the original texts.
func TestShellReadsTheSameWords(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		testenv.SkipOrFail(t, "no bash: install it")
	}
	for _, note := range []string{
		"--verbose", "-", "it's", `a\nb`, "\u202egpj.exe\u2066", "'\u200e\\'$(id)`id`\u061c", "\u202e1f", "é \u2069",
	} {
		e := webtest.Entry(1, swarm.Command{Type: command.Stop, Note: note}, 0)
		for name, line := range map[string]string{"cli": view.CLI("http://h", e.Issued),
			"curl": view.Curl("http://h", e.Issued)} {
			if strings.ContainsFunc(line, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }) {
				t.Errorf("%s of %q turns what one reads: %q", name, note, line)
			}
			cmd := exec.CommandContext(t.Context(), bash, "-c",
				`swarmcall() { printf '%s\0' "$@"; }; curl() { swarmcall "$@"; }; `+line)
			cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			words := strings.Split(string(out), "\x00")
			if got := noteOf(words); got != note {
				t.Errorf("%s: %q was pasted as %q", name, note, got)
			}
		}
	}
}

// noteOf finds the note among the words of a curl or CLI line.
func noteOf(words []string) string {
	for _, w := range words {
		if note, ok := strings.CutPrefix(w, "--note="); ok {
			return note
		}
		var body struct{ Command struct{ Note string } }
		if json.Unmarshal([]byte(w), &body) == nil {
			return body.Command.Note
		}
	}
	return "no note"
}

// TestRetryIsOfferedWhileItCanHelp: there is no button for a retry that would be refused or have no effect.
func TestRetryIsOfferedWhileItCanHelp(t *testing.T) {
	gone := swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDeadline}
	e := webtest.Entry(5, swarm.Command{Type: command.SetPlayers, Value: 10}, time.Second, gone, gone)
	missed := []swarm.Driver{is("d-1", swarm.Active, 0, 0), is("d-2", swarm.Active, 0, 0)}
	late := func(ids ...string) swarm.Entry {
		e := e
		for _, id := range ids {
			e.Late = append(e.Late, swarm.LateAck{DriverID: id, Reply: swarm.Reply{Applied: true}})
		}
		return e
	}
	newer := func(c swarm.Command, ids ...string) view.World {
		n := webtest.Entry(8, c, 0)
		n.Issued.Target.DriverIDs = ids
		return viewtest.Compare(view.World{Recent: []swarm.Entry{n, e}, Drivers: missed})
	}
	stop, delay := swarm.Command{Type: command.Stop}, swarm.Command{Type: command.SetSpawnDelay}
	applied := func(first, second uint64) view.World {
		drivers := []swarm.Driver{is("d-1", swarm.Active, 0, first), is("d-2", swarm.Active, 0, second)}
		return viewtest.Compare(view.World{Recent: []swarm.Entry{e}, Drivers: drivers})
	}
	only := applied(0, 0)
	back := viewtest.Compare(view.World{Recent: []swarm.Entry{e},
		Drivers: []swarm.Driver{is("d-1", swarm.Active, 10, 5), is("d-2", swarm.Active, 10, 5)}})
	for name, tc := range map[string]struct {
		world      view.World
		entry      swarm.Entry
		n, why, of string
	}{
		"both miss it":        {only, e, "2 outstanding drivers", "", ""},
		"one took it late":    {applied(5, 0), late("d-1"), "1 outstanding driver", "", ""},
		"both took it late":   {applied(5, 5), late("d-1", "d-2"), "", "No driver is outstanding", ""},
		"both are back":       {back, e, "", "No driver is outstanding", ""},
		"a stop for all":      {newer(stop), e, "", "a newer command is in effect", "#8"},
		"a stop for one":      {newer(stop, "d-2"), e, "1 outstanding driver", "", ""},
		"a stop for another":  {newer(stop, "d-3"), e, "2 outstanding drivers", "", ""},
		"a newer spawn delay": {newer(delay), e, "2 outstanding drivers", "", ""},
	} {
		c := view.NewCommand(tc.world, tc.entry, "")
		if tc.n != "" && (c.Retry == nil || c.Retry.N != tc.n || c.NoRetry != nil) {
			t.Errorf("%s: %+v, %+v", name, c.Retry, c.NoRetry)
		}
		if tc.why != "" &&
			(c.Retry != nil || c.NoRetry == nil || !strings.Contains(c.NoRetry.Why, tc.why) || c.NoRetry.Of != tc.of) {
			t.Errorf("%s: %+v, %+v", name, c.Retry, c.NoRetry)
		}
	}
}

// TestListsTellTheDay: a command of another day is shown with its date.
func TestListsTellTheDay(t *testing.T) {
	east := time.FixedZone("east", 5*3600)
	for want, at := range map[string]time.Time{
		"12:00:00":             time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC),
		"24 Nov 12:00:00":      time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		"24 Nov 22:00:00":      time.Date(2026, 11, 25, 3, 0, 0, 0, east), // the pages are in UTC
		"25 Nov 2025 12:00:00": time.Date(2025, 11, 25, 12, 0, 0, 0, time.UTC),
	} {
		e := webtest.Entry(3, swarm.Command{Type: command.Stop}, 0)
		e.Issued.SubmittedAt = at
		w := viewtest.Compare(view.World{
			Now: webtest.Now, Drivers: []swarm.Driver{is("d-1", swarm.Active, 0, 0)}, Recent: []swarm.Entry{e},
		})
		d, _ := view.NewDriver(w, "d-1")
		for _, got := range []view.Moment{view.NewCommandRow(w, e).At, d.Timeline[0].At} {
			if got.Clock != want || got.ISO != at.UTC().Format("2006-01-02T15:04:05.000Z") {
				t.Errorf("%v: %+v", at, got)
			}
		}
	}
}

// TestFreshSwarmHasNoTarget: a server stops old load when it starts, which does not count as a command that was
// applied.
func TestFreshSwarmHasNoTarget(t *testing.T) {
	w := afterReset(is("a", swarm.Active, 0, 0))
	row := view.NewDrivers(w, view.ReadDriverFilter(nil), "").Rows[0]
	worst := view.NewOverview(w, "").Worst[0]
	if row.Standing.Word != "no target" || row.Target != "–" || worst.Does != row.Standing || worst.Target != "–" {
		t.Errorf("%+v, %+v", row, worst)
	}
	if strip := view.NewStrip(w); strip.Target != "–" || strip.Headline.Word != "Idle" {
		t.Errorf("%+v", strip)
	}
}

// TestFirstStepsRunAnywhere: the first command needs no checkout, and a shell can read it whatever host the visitor
// uses.
func TestFirstStepsRunAnywhere(t *testing.T) {
	s := view.NewOverview(viewtest.Compare(view.World{}), "http://[::1]:8080").Start
	for want, got := range map[string]string{
		"swarmcall drive http --url='http://[::1]:8080' --target=http://localhost:8000/": s.Drivers,
		"swarmcall players set 10 --url='http://[::1]:8080'":                             s.CLI,
		"curl -s 'http://[::1]:8080/commands'":                                           s.Commands,
		"SWARMCALL_URL='http://[::1]:8080' DRIVER_ID=python-1 python3 examples/python":   s.Examples,
	} {
		if !strings.HasPrefix(got, want) && !strings.Contains(got, "\n"+want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	list := view.NewCommands(viewtest.Compare(view.World{}), view.CommandFilter{}, swarm.Page{}, nil, "http://h").First
	if list.CLI != "swarmcall players set 10 --url=http://h" || list.Commands == "" {
		t.Errorf("%+v", list)
	}
}

func TestBytesAreInUnits(t *testing.T) {
	for want, n := range map[string]int64{"0 bytes": 0, "512 bytes": 512, "64 KiB": 64 << 10, "1.5 MiB": 3 << 19,
		"8 GiB": 8 << 30, "2048 TiB": 2 << 50} {
		if got := view.Bytes(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
