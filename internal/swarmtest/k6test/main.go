package k6test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Exit codes of k6, as recorded.
const (
	exitStopped  = 103
	exitSignal   = 105
	exitAddress  = 106
	exitNoScript = 107
	exitUsage    = 255
)

// Version is the version that the fake reports: the one whose exchanges were recorded.
func Version() string {
	text, _, _ := printed("version")
	return text + " (the fake of swarmcall's tests)"
}

// Main is the fake's command line. It knows the recorded scripts by their file names, and does what they all do: each
// VU requests TARGET and sleeps for 50 ms.
func Main(args []string, out, complaints io.Writer) int {
	if len(args) == 0 {
		return exitUsage
	}
	switch args[0] {
	case "version":
		_, _ = fmt.Fprintln(out, Version())
		return 0
	case "inspect":
		text, exit, ok := printed("inspect " + filepath.Base(args[len(args)-1]))
		if !ok {
			_, _ = fmt.Fprintf(complaints, "the fake k6 has no recording of %s\n", args[len(args)-1])
			return exitNoScript
		}
		if text != "" {
			_, _ = fmt.Fprintln(out, text)
		}
		code, _ := strconv.Atoi(exit)
		return code
	case "run":
		return run(args[1:], complaints)
	}
	return exitUsage
}

// options are the options of k6 run that a driver uses.
type options struct {
	address, script, config, target string
	paused                          bool
}

func optionsOf(args []string) (o options) {
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		if slices.Contains([]string{"--address", "--config", "-e", "--env"}, name) && !joined && i+1 < len(args) {
			i++
			value = args[i]
		}
		switch name {
		case "--address":
			o.address = value
		case "--config":
			o.config = value
		case "-e", "--env":
			if of, target, _ := strings.Cut(value, "="); of == "TARGET" {
				o.target = target
			}
		case "--paused":
			o.paused = true
		default:
			if !strings.HasPrefix(name, "-") {
				o.script = args[i]
			}
		}
	}
	return o
}

// scenarioOf reads the only scenario of a script's options or of an options file.
func scenarioOf(text []byte) (s Scenario, ok bool) {
	var o struct {
		VUs       int64
		Duration  string
		Scenarios map[string]struct {
			Executor    string
			VUs, MaxVUs int64
		}
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return s, false
	}
	for _, of := range o.Scenarios {
		return Scenario{of.Executor, of.VUs, of.MaxVUs}, true
	}
	if o.Duration != "" {
		return Scenario{"constant-vus", max(o.VUs, 1), max(o.VUs, 1)}, true
	}
	return Scenario{"per-vu-iterations", 1, 1}, o.VUs > 0
}

func run(args []string, complaints io.Writer) int {
	o := optionsOf(args)
	text, exit, ok := printed("inspect " + filepath.Base(o.script))
	if !ok || exit != "0" {
		_, _ = fmt.Fprintf(complaints, "the fake k6 cannot run %s\n", o.script)
		return exitNoScript
	}
	scenario, _ := scenarioOf([]byte(text))
	if o.config != "" {
		config, err := os.ReadFile(o.config)
		if err != nil {
			_, _ = fmt.Fprintln(complaints, err)
			return exitNoScript
		}
		if s, ok := scenarioOf(config); ok {
			scenario = s
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.address)
	if err != nil {
		_, _ = fmt.Fprintln(complaints, err)
		return exitAddress
	}
	load := &load{target: o.target}
	defer load.scale(0)
	r := NewRun(scenario, o.paused)
	r.Measured, r.Changed = load.figures, load.scale
	load.scale(r.Status().VUs)
	server := &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	select {
	case <-ctx.Done():
		_, _ = fmt.Fprintln(complaints, "the fake k6 received a signal")
		_ = server.Close()
		return exitSignal
	case <-r.Stopped():
		_ = server.Shutdown(ctx) // after the answer
		return exitStopped
	}
}

// load is the work of the VUs.
type load struct {
	target string

	scaling sync.Mutex
	ends    []func() // of each VU

	mu               sync.Mutex
	requests, failed float64
}

// scale starts VUs, or interrupts the youngest and waits for them.
func (l *load) scale(n int64) {
	l.scaling.Lock()
	defer l.scaling.Unlock()
	for int64(len(l.ends)) < n {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); l.iterate(ctx) }()
		l.ends = append(l.ends, func() { cancel(); <-ended })
	}
	rest := l.ends[n:]
	l.ends = l.ends[:n]
	var all sync.WaitGroup
	for _, end := range rest {
		all.Go(end)
	}
	all.Wait()
}

func (l *load) iterate(ctx context.Context) {
	rest := time.NewTicker(50 * time.Millisecond)
	defer rest.Stop()
	for ctx.Err() == nil {
		l.request(ctx)
		select {
		case <-ctx.Done():
		case <-rest.C:
		}
	}
}

func (l *load) request(ctx context.Context) {
	failed := 1.0
	if req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.target, http.NoBody); err == nil {
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			failed = 0
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	l.failed += failed
}

func (l *load) figures() Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Figures{Requests: l.requests, FailedRate: l.failed / max(l.requests, 1), Median: 5, P95: 9}
}
