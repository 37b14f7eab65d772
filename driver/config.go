package driver

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// Config says how to reach the server and identifies the driver. Run copies it, including its maps and slices, so later
// changes have no effect. The functions may be called from several goroutines, and should return soon.
type Config struct {
	// URL is the base URL of the server, with scheme http, https, ws or wss, such as "http://127.0.0.1:8080". The path
	// /drivers/connect is appended unless the URL already ends in it. If several servers share the log, it is the list of
	// their URLs, separated by commas, all of one scheme: "http://a:8080,http://b:8080". Run begins with a random one, and
	// goes on to the next one in the list whenever it has to connect again. Required.
	URL string

	// DriverID names the driver in the swarm: 1 to 128 of [A-Za-z0-9._:-], the first a letter or digit. Required.
	DriverID string

	// Labels are selected by commands. At most 32; keys have the form of DriverID, values are at most 256 bytes of
	// UTF-8 without control characters. Nil means none.
	Labels map[string]string

	// Capabilities are the commands that the driver supports; any other is rejected before it reaches the handler.
	// Empty means all.
	Capabilities []CommandType

	// MaxPlayers is the maximum of players on this driver: a command for more is rejected with the code
	// "over_local_limit" before it reaches the handler. No command changes it. 0 means no limit.
	MaxPlayers int64
	// Weight is this driver's share when a total is split over drivers, relative to the others: 0.001 to 1,000,000.
	// Zero means 1.
	Weight float64

	// LocalStop stops the load from within this process, whatever the server wants. Several drivers may share one. Nil
	// means that there is no local stop.
	LocalStop *LocalStop

	// Version is the driver's own version, for people: at most 256 bytes of UTF-8. Empty means not reported.
	Version string

	// State is called for each register and heartbeat and returns the driver's present state. Nil means to report the
	// state according to the applied commands.
	State func() State

	// Metrics is called for each heartbeat and returns figures by name, such as "rps". The map must not change after it
	// was returned. Values that are not finite are omitted, as are names over 256 bytes or with control characters,
	// those after the first 64 in order of name, and all of them if the frame would exceed 32 KiB. Nil means none.
	Metrics func() map[string]float64

	// Logger receives events of the connection and rejected commands. Nil means no log.
	Logger *slog.Logger

	// OnConnect is called each time the server has accepted the driver, before the first command of that session.
	// Nothing is read from the server until it returns. Nil means no call.
	OnConnect func(Session)

	// OnDisconnect is called at the end of each session that OnConnect was called for, with the reason; nil if the
	// context of Run has ended. Run continues when it returns. Nil means no call.
	OnDisconnect func(error)

	// HTTPClient opens the connections to the server. Nil means http.DefaultClient, which takes a proxy from
	// HTTP_PROXY, HTTPS_PROXY and NO_PROXY. If its transport is an *http.Transport with a Proxy, ws:// goes through
	// that proxy with CONNECT, like wss://.
	HTTPClient *http.Client

	// Header is sent with the request to connect. Nil means no additional headers.
	Header http.Header

	// TokenFile is the path of a file with the access token, which is sent with the request to connect as
	// "Authorization: Bearer". The file is read at every connect, so it may be replaced while the driver runs. White
	// space around the token is removed; the file has at most 8 KiB. A redirect to another host or port, or from https
	// to http, is not followed. Empty means no token.
	TokenFile string

	// InsecureToken allows to send the token to another machine without encryption: over http or ws to a host that is
	// not loopback, or through a proxy. By default such a URL is refused before anything is sent.
	InsecureToken bool

	// CAFile is the path of a PEM file with the root CAs that the server's certificate is checked with, instead of
	// those of HTTPClient or of the system. It is read at every connect, so it may be replaced while the driver runs;
	// it has at most 1 MiB. The transport of HTTPClient must be an *http.Transport. Empty means no other root CAs.
	CAFile string
}

const connectPath = "/drivers/connect"

// Limits of the protocol on a driver's fields.
const (
	maxLabels          = 32
	maxLabelValueBytes = 256
	maxVersionBytes    = 256
)

// problems collects the errors of a Config.
type problems []error

func (p *problems) add(format string, args ...any) {
	*p = append(*p, fmt.Errorf("driver: Config."+format, args...))
}

// validate returns all errors of cfg at once.
func (cfg Config) validate() error {
	var bad problems
	if cfg.checkSecrets(&bad); len(bad) > 0 {
		return errors.Join(bad...) // the others repeat what is wrong
	}
	if _, err := serversOf(cfg.URL); err != nil {
		bad.add("URL: %w", err)
	}
	cfg.checkName(&bad)
	cfg.checkLoad(&bad)
	cfg.checkAccess(&bad)
	return errors.Join(bad...)
}

// checkName checks the fields that identify the driver.
func (cfg Config) checkName(bad *problems) {
	if !wire.ValidDriverID(cfg.DriverID) {
		bad.add("DriverID %q: must be 1 to 128 of [A-Za-z0-9._:-], the first a letter or digit, not connect or stream",
			cfg.DriverID)
	}
	if len(cfg.Labels) > maxLabels {
		bad.add("Labels: are %d; at most %d are allowed", len(cfg.Labels), maxLabels)
	}
	for _, key := range slices.Sorted(maps.Keys(cfg.Labels)) {
		if !wire.ValidName(key) {
			bad.add("Labels: key %q must be 1 to 128 of [A-Za-z0-9._:-], the first a letter or digit", key)
		}
		if !plainText(cfg.Labels[key], maxLabelValueBytes) {
			bad.add("Labels: value of %q must be at most %d bytes of UTF-8 without control characters", key,
				maxLabelValueBytes)
		}
	}
	if !plainText(cfg.Version, maxVersionBytes) {
		bad.add("Version: must be at most %d bytes of UTF-8 without control characters", maxVersionBytes)
	}
}

// checkLoad checks the fields that limit the load.
func (cfg Config) checkLoad(bad *problems) {
	for _, c := range cfg.Capabilities {
		if !c.Known() {
			bad.add("Capabilities: %q is not a command type; the types are %v", c, command.Types())
		}
	}
	if cfg.Weight != 0 && !(cfg.Weight >= 0.001 && cfg.Weight <= 1_000_000) {
		bad.add("Weight: is %v; must be 0.001 to 1000000, or 0 for 1", cfg.Weight)
	}
	if cfg.MaxPlayers < 0 {
		bad.add("MaxPlayers: is %d; must be 0 or more", cfg.MaxPlayers)
	}
}

// endpoint returns the address of the driver WebSocket on the server at base.
func endpoint(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	if !slices.Contains([]string{"http", "https", "ws", "wss"}, u.Scheme) || u.Host == "" {
		return "", fmt.Errorf("%q must have the form http://host:port, of scheme http, https, ws or wss", u.Redacted())
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if !strings.HasSuffix(u.Path, connectPath) {
		u.Path += connectPath
	}
	u.RawPath = ""
	return u.String(), nil
}

func plainText(s string, limit int) bool {
	return len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
