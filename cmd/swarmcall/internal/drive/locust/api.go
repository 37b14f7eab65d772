package locust

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// requestTimeout bounds a request: /stop takes up to a minute plus Locust's stop timeout.
const requestTimeout = 3 * time.Minute

const maxAnswer = 16 << 20 // bytes; statistics of many thousand names are smaller

// api is Locust's web API. Its URL may contain credentials.
type api struct {
	base   string
	client *http.Client
}

func newAPI(base string) *api {
	return &api{base: strings.TrimRight(base, "/"),
		client: &http.Client{Timeout: requestTimeout, Transport: &http.Transport{}}}
}

// answer is Locust's answer to a command. Success only means that Locust has read the command.
type answer struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

// swarm requests this number of users.
func (a *api) swarm(ctx context.Context, users int64, rate float64) (answer, error) {
	form := url.Values{
		"user_count": {strconv.FormatInt(users, 10)}, "spawn_rate": {strconv.FormatFloat(rate, 'f', -1, 64)},
	}
	body, err := a.call(ctx, http.MethodPost, "/swarm", form.Encode())
	return decode[answer](body, err)
}

// stop requests 0 users. It returns when Locust assumes that there are none.
func (a *api) stop(ctx context.Context) error {
	_, err := a.call(ctx, http.MethodGet, "/stop", "")
	return err
}

// view is what Locust is doing at this moment.
type view struct {
	State       string // ready, spawning, running, stopping, stopped
	Users       int64
	Distributed bool
	Workers     int64 // of a distributed Locust
}

// active reports whether users run or are being spawned.
func (v view) active() bool { return v.State == "running" || v.State == "spawning" }

func (v view) String() string {
	text := fmt.Sprintf("state %s, %d users", v.State, v.Users)
	if v.Distributed {
		text += fmt.Sprintf(", %d workers", v.Workers)
	}
	return text
}

// Up to about Locust 2.21, the page shows its figures as elements; since then, it passes them to a script as JSON.
var (
	stateOnPage   = onPage(`<body class="([a-z]+)`, `"state": *"([a-z]+)"`)
	usersOnPage   = onPage(`id="userCount">(\d+)<`, `"user_count": *(\d+)`)
	workersOnPage = onPage(`id="workerCount">(\d+)<`, `"worker_count": *(\d+)`)
	alone         = onPage(`("is_distributed": *false)`)
)

// finder is compiled on first use: otherwise every command of the CLI would wait for it.
type finder func() []*regexp.Regexp

func onPage(forms ...string) finder {
	return sync.OnceValue(func() (f []*regexp.Regexp) {
		for _, form := range forms {
			f = append(f, regexp.MustCompile(form))
		}
		return f
	})
}

func (f finder) in(page []byte) (string, bool) {
	for _, form := range f() {
		if m := form.FindSubmatch(page); m != nil {
			return string(m[1]), true
		}
	}
	return "", false
}

func (f finder) matches(page []byte) bool {
	_, ok := f.in(page)
	return ok
}

func (f finder) number(page []byte) (n int64, ok bool) {
	text, ok := f.in(page)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// look reads the page.
func (a *api) look(ctx context.Context) (v view, err error) {
	page, err := a.call(ctx, http.MethodGet, "/", "")
	if err != nil {
		return v, err
	}
	state, isState := stateOnPage.in(page)
	users, isUsers := usersOnPage.number(page)
	if !isState || !isUsers {
		return v, fmt.Errorf("the page at %s/ does not show a state and a number of users; is it Locust's?", a.base)
	}
	v.State, v.Users = state, users
	v.Workers, v.Distributed = workersOnPage.number(page)
	v.Distributed = v.Distributed && !alone.matches(page)
	return v, nil
}

// stats are Locust's own figures. They may be 2 s old.
type stats struct {
	RPS float64 `json:"total_rps"`
	// Of the last 10 s; absent without requests, and in newer versions.
	P50   *float64 `json:"current_response_time_percentile_50"`
	P95   *float64 `json:"current_response_time_percentile_95"`
	Stats []struct {
		Name     string  `json:"name"`
		Failures float64 `json:"current_fail_per_sec"`
	} `json:"stats"`
	Percentiles map[string]*float64 `json:"current_response_time_percentiles"` // of newer versions
}

func (a *api) stats(ctx context.Context) (stats, error) {
	body, err := a.call(ctx, http.MethodGet, "/stats/requests", "")
	return decode[stats](body, err)
}

func decode[T any](body []byte, err error) (v T, _ error) {
	if err == nil {
		err = json.Unmarshal(body, &v)
	}
	return v, err
}

func (a *api) call(ctx context.Context, method, path, form string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("locust answers %s to %s %s: %.200s", resp.Status, method, path, body)
	}
	return body, err
}
