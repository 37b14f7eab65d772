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
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

// Options are common to the drivers of all generators.
type Options struct {
	URL        string            // of the server, or a list of several with commas
	DriverID   string            // empty: the host name and a random suffix
	Labels     map[string]string // by which commands select drivers
	MaxPlayers int64             // the limit of this driver; 0: no limit
	Weight     float64           // its share of a total, relative to the others; 0: 1
	TokenFile  string            // file with the credential; empty: none
	CAFile     string            // PEM file with the root CAs for the server; empty: those of the system
	Version    string            // reported to the server
	Linger     time.Duration     // how long it stays and rejects commands after its generator has ended
	Out        io.Writer         // receives progress
	Log        *slog.Logger
	HTTPClient *http.Client // dials the server; nil: the default one

	// InsecureToken allows to send the token without encryption to another machine.
	InsecureToken bool
}

// config returns the configuration of the SDK for g.
func (o Options) config(g guarded, stop *driver.LocalStop) driver.Config {
	cfg := driver.Config{
		URL: o.URL, DriverID: o.DriverID, Labels: o.Labels, MaxPlayers: o.MaxPlayers, Weight: o.Weight,
		Version: o.Version,
		Logger:  o.Log, LocalStop: stop, State: g.state, Metrics: g.metrics,
		HTTPClient: o.HTTPClient, TokenFile: o.TokenFile, CAFile: o.CAFile, InsecureToken: o.InsecureToken,
	}
	if cfg.DriverID == "" {
		host, _ := os.Hostname() // a random id is enough if there is no host name
		cfg.DriverID = defaultID(host, rand.Text())
	}
	return cfg
}

// notInIDs is compiled on first use: otherwise every command of the CLI would wait for it.
var notInIDs = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^A-Za-z0-9._:-]+`) })

// defaultID names a driver by its host and a random suffix: many drivers may run on one host, and a new driver must not
// take the id of a running one.
func defaultID(host, chance string) string {
	host = strings.TrimLeft(notInIDs().ReplaceAllString(host, "-"), "._:-")
	if host == "" {
		host = "driver"
	}
	return fmt.Sprintf("%.100s-%.6s", host, strings.ToLower(chance))
}
