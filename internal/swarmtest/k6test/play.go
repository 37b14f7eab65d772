package k6test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Player replays recordings against a k6.
type Player struct {
	K6      string // the program
	Scripts string // the directory of the scripts that the recordings name
	Target  string // what the scripts put load on

	base   string
	run    *exec.Cmd
	ended  chan struct{}
	record strings.Builder
}

// Play makes the requests of a recording, and returns it with this k6's answers. Data that differs between runs is left
// out: figures, metrics and options that no driver reads, and the text after the version number.
func (p *Player) Play(ctx context.Context, recording string) (string, error) {
	p.record.Reset()
	defer p.kill()
	all := steps(recording)
	for i, s := range all {
		var err error
		switch s.verb {
		case "|", "<", "<<", ">>":
			continue // the previous answers; and a body belongs to its request
		case "exit":
			if p.run == nil {
				continue
			}
			err = p.exit(ctx)
		case "#", "":
			p.note(s.verb, s.rest)
		case "$":
			p.note(s.verb, s.rest)
			err = p.call(ctx, strings.Fields(s.rest))
		case "run":
			p.note(s.verb, s.rest)
			err = p.start(ctx, strings.Fields(s.rest))
		case "until":
			p.note(s.verb, s.rest)
			err = p.until(ctx, s.rest)
		case ">":
			p.note(s.verb, s.rest)
			body := ""
			if i+1 < len(all) && all[i+1].verb == ">>" {
				body = all[i+1].rest
				p.note(">>", body)
			}
			err = p.request(ctx, s.rest, body)
		case "signal":
			p.note(s.verb, s.rest)
			err = p.run.Process.Signal(signals[s.rest])
		default:
			err = fmt.Errorf("no step begins with %q", s.verb)
		}
		if err != nil {
			return p.record.String(), fmt.Errorf("%s %s: %w", s.verb, s.rest, err)
		}
	}
	return p.record.String(), nil
}

var signals = map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT}

func (p *Player) note(verb, rest string) {
	p.record.WriteString(strings.TrimRight(verb+" "+rest, " ") + "\n")
}

// arguments adds the directory to the names of scripts.
func (p *Player) arguments(words []string) (args []string) {
	for _, w := range words {
		if strings.HasSuffix(w, ".js") || strings.HasSuffix(w, ".json") {
			w = p.Scripts + "/" + w
		}
		args = append(args, w)
	}
	return args
}

func (p *Player) call(ctx context.Context, words []string) error {
	cmd := exec.CommandContext(ctx, p.K6, p.arguments(words)...) //nolint:gosec // the k6 that a test names
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() < 0) {
		return err
	}
	for line := range strings.Lines(steady(words[0], out)) {
		p.note("|", strings.TrimSuffix(line, "\n"))
	}
	p.note("exit", fmt.Sprint(cmd.ProcessState.ExitCode()))
	return nil
}

// steady keeps the part of an output that is the same each time, and the options that a driver reads.
func steady(command string, out []byte) string {
	if command == "version" {
		return regexp.MustCompile(`k6 v[0-9.]+`).FindString(string(out))
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(out, &all) != nil {
		return string(out)
	}
	options := map[string]json.RawMessage{}
	for _, name := range []string{"duration", "iterations", "scenarios", "stages", "vus"} {
		options[name] = all[name]
	}
	kept, err := json.MarshalIndent(options, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(kept)
}

func (p *Player) start(ctx context.Context, words []string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	args := []string{"run", "--quiet", "--no-usage-report", "--address", address, "-e", "TARGET=" + p.Target}
	p.run = exec.CommandContext(ctx, p.K6, append(args, p.arguments(words)...)...) //nolint:gosec // as above
	p.base, p.ended = "http://"+address, make(chan struct{})
	if err := p.run.Start(); err != nil {
		return err
	}
	go func() { defer close(p.ended); _ = p.run.Wait() }()
	return p.until(ctx, `/v1/status "running":true or "paused":true`)
}

// until waits until the answer at a path contains one of the values.
func (p *Player) until(ctx context.Context, rest string) error {
	path, values, _ := strings.Cut(rest, " ")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		_, _, body, err := p.do(ctx, "GET "+path, "")
		for value := range strings.SplitSeq(values, " or ") {
			if err == nil && strings.Contains(body, value) {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return fmt.Errorf("the run ended with %d", p.run.ProcessState.ExitCode())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *Player) request(ctx context.Context, line, body string) error {
	code, kind, answer, err := p.do(ctx, line, body)
	if err != nil {
		return err
	}
	p.note("<", strings.TrimSpace(fmt.Sprint(code, " ", kind)))
	if strings.HasSuffix(line, "/metrics") {
		answer, err = steadyMetrics(answer)
	}
	for l := range strings.Lines(answer) {
		p.note("<<", strings.TrimSuffix(l, "\n"))
	}
	return err
}

func (p *Player) do(ctx context.Context, line, body string) (code int, kind, answer string, err error) {
	method, path, _ := strings.Cut(line, " ")
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, strings.NewReader(body))
	if err != nil {
		return 0, "", "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(text), err
}

// steadyMetrics keeps the metrics that a driver reads, sorted by name, and sets every figure to 0.
func steadyMetrics(answer string) (string, error) {
	var m struct {
		Data []metric `json:"data"`
	}
	if err := json.Unmarshal([]byte(answer), &m); err != nil {
		return answer, err
	}
	m.Data = slices.DeleteFunc(m.Data, func(d metric) bool {
		return !slices.Contains([]string{"http_req_duration", "http_req_failed", "http_reqs"}, d.ID)
	})
	slices.SortFunc(m.Data, func(a, b metric) int { return cmp.Compare(a.ID, b.ID) })
	for _, d := range m.Data {
		for name := range d.Attributes.Sample {
			d.Attributes.Sample[name] = 0
		}
	}
	text, err := json.Marshal(m)
	return string(text), err
}

func (p *Player) exit(ctx context.Context) error {
	defer p.kill()
	select {
	case <-p.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.note("exit", fmt.Sprint(p.run.ProcessState.ExitCode()))
	return nil
}

func (p *Player) kill() {
	if p.run != nil {
		_ = p.run.Process.Kill()
		<-p.ended
		p.run = nil
	}
}
