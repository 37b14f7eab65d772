package size

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// process is a child process that answers each line with a line.
type process struct {
	tb    testing.TB
	in    io.Writer
	lines *bufio.Reader
}

// startChild runs this program again in the role that the words name, with this niceness.
func startChild(tb testing.TB, nice int, words ...any) *process {
	tb.Helper()
	c := exec.Command("nice", "-n", fmt.Sprint(nice), os.Args[0])
	c.Env = append(os.Environ(), childEnv+"="+strings.TrimSpace(fmt.Sprintln(words...)))
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		_ = c.Wait() // its output is complete
	})
	return &process{tb, in, bufio.NewReader(out)}
}

// writeLine sends a line, and readLine returns the words of one.
func (p *process) writeLine(words ...any) {
	p.tb.Helper()
	if _, err := fmt.Fprintln(p.in, words...); err != nil {
		p.tb.Fatal(err)
	}
}

func (p *process) readLine(words ...any) {
	p.tb.Helper()
	if _, err := fmt.Fscanln(p.lines, words...); err != nil {
		p.tb.Fatal("a child is gone: ", err)
	}
}

// child runs a child process in its role.
func child(what string) int {
	var kind, addr string
	var n int
	if _, err := fmt.Sscan(what, &kind, &addr, &n); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch kind {
	case "fleet":
		return beFleet(addr, n)
	case "flooders":
		return runClients(addr, flood)
	default:
		return runClients(addr, poll)
	}
}

// crowd is a process with many clients, each of which sends its next request as soon as it has an answer. It has low
// priority, because in production these clients run on other machines.
type crowd struct{ *process }

func newCrowd(s *server, kind string) crowd { return crowd{startChild(s.tb, 19, kind, s.addr, 0)} }

// setCount sets the number of clients to n, waits until each has an answer, and returns the number of answers so far.
func (c crowd) setCount(n int) (answers int64) {
	c.tb.Helper()
	c.writeLine(n)
	c.readLine(&answers)
	return answers
}

// asker sends one request as the i-th client.
type asker func(client *http.Client, addr string, i int) error

// runClients runs in the child: for each number that it reads, it runs that many clients, and prints the number of
// answers.
func runClients(addr string, ask asker) int {
	var answers atomic.Int64
	leave := func() {}
	for n := 0; ; {
		if _, err := fmt.Fscanln(os.Stdin, &n); err != nil {
			return 0 // the benchmark is over
		}
		leave()
		leave = arrive(addr, n, ask, &answers)
		fmt.Println(answers.Load())
	}
}

// arrive starts n clients and returns when each has been answered. The function it returns ends them
// with their next answers.
func arrive(addr string, n int, ask asker, answers *atomic.Int64) (leave func()) {
	ctx, cancel := context.WithCancel(context.Background())
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n + 1}}
	var asking, answered sync.WaitGroup
	for i := range n {
		answered.Add(1)
		asking.Go(func() {
			once := sync.OnceFunc(answered.Done)
			for ctx.Err() == nil {
				if err := ask(client, addr, i); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1) // which the benchmark notices
				}
				answers.Add(1)
				once()
			}
		})
	}
	answered.Wait()
	return func() {
		cancel()
		asking.Wait()
		client.CloseIdleConnections()
	}
}

// do sends a request and reads the answer.
func do(ctx context.Context, client *http.Client, method, url, body string, want int) error {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("%s %s: %s %.500s", method, url, resp.Status, b)
	}
	return err
}
