package tui

import (
	"context"
	"io"
	"maps"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/command"
)

// Options select what to watch.
type Options struct {
	Client    *remote.Client
	Submitter string            // who sends the stop
	Labels    map[string]string // only drivers with these; empty: all
	In        io.Reader
	Out       io.Writer
}

// Run shows the view until the user quits or ctx ends.
func Run(ctx context.Context, o Options) error {
	m := &model{
		ctx: ctx, client: o.Client, submitter: o.Submitter, labels: o.Labels, colour: console.Colour(o.Out),
		width: 80, height: 24,
	}
	_, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(o.Out),
		tea.WithoutSignalHandler()).Run()
	if ctx.Err() != nil {
		return &clierr.Error{Code: clierr.Interrupted, What: "interrupted; nothing was sent"}
	}
	return err
}

const (
	pace    = 500 * time.Millisecond
	patient = 5 * time.Second // limit of one request; the screen shows the age of the data
	fresh   = 2 * time.Second // older data is not live
	history = 200             // commands that a filter can find
)

// look is the server's answer, or the error.
type look struct {
	drivers  remote.Page[remote.Driver]
	commands []remote.Entry
	err      error
	at       time.Time
}

// stopped is the result of the stop.
type stopped struct {
	entry remote.Entry
	err   error
}

type tick struct{}

// beat redraws the screen: the ages grow while no answer arrives.
type beat struct{}

func nextBeat() tea.Cmd { return tea.Tick(time.Second, func(time.Time) tea.Msg { return beat{} }) }

// model is the state of the view. Its methods run in bubbletea's loop, one at a time.
type model struct {
	ctx       context.Context
	client    *remote.Client
	submitter string
	labels    map[string]string
	colour    bool

	seen       look      // last successful look
	heard      time.Time // when the server last answered, also while paused
	err        error     // of the last look, if it failed
	paused     bool
	confirming bool
	helping    bool
	filtering  bool
	filter     string
	message    string // result of the stop
	width      int
	height     int
}

// Init implements tea.Model.
func (m *model) Init() tea.Cmd { return tea.Batch(m.look, nextBeat()) }

// look asks the server. It runs outside the loop.
func (m *model) look() tea.Msg {
	ctx, cancel := context.WithTimeout(m.ctx, patient)
	defer cancel()
	l := look{at: time.Now()}
	if l.drivers, l.err = m.drivenBy(ctx); l.err != nil {
		return l
	}
	page, err := m.client.Commands(ctx, remote.CommandFilter{Limit: history})
	l.commands, l.err = page.Items, err
	l.commands = slices.DeleteFunc(l.commands,
		func(e remote.Entry) bool { return !remote.MayShare(e.Target, m.labels) })
	return l
}

// drivenBy reads the drivers of the view, and counts them: the server counts all drivers.
func (m *model) drivenBy(ctx context.Context) (remote.Page[remote.Driver], error) {
	f := remote.DriverFilter{}
	for _, key := range slices.Sorted(maps.Keys(m.labels)) {
		f.Labels = append(f.Labels, key+"="+m.labels[key])
	}
	page, err := m.client.Drivers(ctx, f)
	if len(m.labels) == 0 {
		return page, err
	}
	page.Counts = api.DriverCounts{}
	for _, d := range page.Items {
		switch d.State {
		case api.DriverStateActive:
			page.Counts.Active++
		case api.DriverStateStale:
			page.Counts.Stale++
		case api.DriverStateDisconnected:
			page.Counts.Disconnected++
		}
	}
	return page, err
}

// target returns the target of the stop.
func (m *model) target() *remote.Target {
	if len(m.labels) == 0 {
		return nil
	}
	return &remote.Target{Labels: m.labels}
}

// stop sends the stop to all drivers of the view. It runs outside the loop.
func (m *model) stop() tea.Msg {
	s := remote.Submission{
		Submitter: m.submitter, Target: m.target(),
		Command: remote.Command{Type: command.Stop, Note: "from swarmcall watch"},
	}
	a, err := m.client.Issue(m.ctx, s, remote.NewKey())
	if err == nil {
		a, err = m.client.Outcome(m.ctx, a.Value.Seq, time.Duration(a.Value.DeadlineMs)*time.Millisecond+patient)
	}
	return stopped{a.Value, err}
}

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tick:
		return m, m.look
	case beat:
		return m, nextBeat()
	case look:
		m.take(msg)
		return m, tea.Tick(pace, func(time.Time) tea.Msg { return tick{} })
	case stopped:
		m.message = stopText(msg)
	case tea.KeyPressMsg:
		return m, m.key(msg.String())
	}
	return m, nil
}

// take stores an answer; a paused view keeps asking, to detect that the server is unavailable.
func (m *model) take(l look) {
	m.err = l.err
	if l.err == nil {
		m.heard = l.at
	}
	if l.err == nil && !m.paused {
		m.seen = l
	}
}
