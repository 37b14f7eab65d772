package httpload

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// DefaultMaxPlayers bounds the players, and so the memory, of one process.
const DefaultMaxPlayers = 10_000

// Options describe a hit, and the load.
type Options struct {
	Target   string
	Method   string
	Header   []string // "Name: value"
	Body     string   // sent as it is; "@FILE" sends a file
	Timeout  time.Duration
	Insecure bool // accept any certificate
	Rate     bool // players are requests per second, not users
	Max      int64
}

// target returns the request that every hit sends.
func (o Options) target() (vegeta.Target, error) {
	u, err := url.Parse(o.Target)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return vegeta.Target{}, fmt.Errorf("--target %q must have the form http://host:port/path", o.Target)
	}
	t := vegeta.Target{Method: strings.ToUpper(o.Method), URL: o.Target, Header: http.Header{}, Body: []byte(o.Body)}
	for _, h := range o.Header {
		name, value, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return t, fmt.Errorf("--header %q must have the form \"Name: value\"", h)
		}
		t.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if file, ok := strings.CutPrefix(o.Body, "@"); ok {
		if t.Body, err = os.ReadFile(file); err != nil {
			return t, fmt.Errorf("--body: %w", err)
		}
	}
	_, err = t.Request() // reports a bad method now and not on every hit
	return t, err
}

// transport keeps a connection for every player: otherwise each request of a busy swarm would take a new port.
func (o Options) transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, int(o.Max)
	if o.Insecure {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the user chose --insecure
	}
	return t
}
