package drive

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
	"github.com/swarmcall/swarmcall/driver"
)

// Options are what the drivers of all generators have in common.
type Options struct {
	URL        string            // of the server
	DriverID   string            // empty: made of the host's name and chance
	Labels     map[string]string // for commands to select by
	MaxPlayers int64             // the most this driver takes; 0: no limit
	TokenFile  string            // holds the credential; empty: none
	Version    string            // told to the server
	Linger     time.Duration     // how long it stays when its generator has ended, and tells so to whoever commands it
	Out        io.Writer         // gets progress
	Err        io.Writer         // gets the log
	Verbose    bool              // log more than warnings
	HTTPClient *http.Client      // dials the server; nil: the default one
}

// Logger returns a logger on o.Err.
func (o Options) Logger() *slog.Logger {
	level := slog.LevelWarn
	if o.Verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(o.Err, &slog.HandlerOptions{Level: level}))
}

// config is the SDK's, for g.
func (o Options) config(g guarded, log *slog.Logger, stop *driver.LocalStop) (driver.Config, error) {
	cfg := driver.Config{
		URL: o.URL, DriverID: o.DriverID, Labels: o.Labels, MaxPlayers: o.MaxPlayers, Version: o.Version,
		Logger: log, LocalStop: stop, State: g.state, Metrics: g.metrics,
		HTTPClient: o.HTTPClient,
	}
	if cfg.DriverID == "" {
		host, _ := os.Hostname() // chance is enough where there is no name
		cfg.DriverID = defaultID(host, rand.Text())
	}
	if o.TokenFile == "" {
		return cfg, nil
	}
	token, err := os.ReadFile(o.TokenFile)
	if err != nil {
		return cfg, &clierr.Error{Code: clierr.Usage, What: "cannot read the credential", Why: err, Mend: "--token-file must name a file that holds it alone"}
	}
	cfg.Header = http.Header{"Authorization": {"Bearer " + strings.TrimSpace(string(token))}}
	return cfg, nil
}

var notInIDs = regexp.MustCompile(`[^A-Za-z0-9._:-]+`)

// defaultID names a driver by its host, and by chance: many drivers may run on one host, and a name must not be taken from a
// driver that runs already.
func defaultID(host, chance string) string {
	host = strings.TrimLeft(notInIDs.ReplaceAllString(host, "-"), "._:-")
	if host == "" {
		host = "driver"
	}
	return fmt.Sprintf("%.100s-%.6s", host, strings.ToLower(chance))
}
