package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/settings"
)

// connection selects the server and the time for retries. The defaults are not in the tags, because the files take
// precedence over them.
type connection struct {
	URL       string        `name:"url" group:"Server" help:"Server, or several of one swarm with commas; default: from SWARMCALL_URL, the settings files, or http://127.0.0.1:8080." placeholder:"URL"`
	TokenFile string        `group:"Server" help:"File with the access token; default: from SWARMCALL_TOKEN_FILE or the settings files." placeholder:"FILE"`
	CAFile    string        `name:"ca-file" group:"Server" help:"PEM file with the root CAs for the server's certificate; default: from SWARMCALL_CA_FILE, the settings files, or the system's." placeholder:"FILE"`
	Context   string        `group:"Server" help:"Named server from the settings files; default: from SWARMCALL_CONTEXT or the settings files." placeholder:"NAME"`
	RetryFor  time.Duration `group:"Server" default:"${patience}" help:"How long to retry when the server is unavailable or busy (${default}); 0 to disable." placeholder:"DURATION"`
	Debug     bool          `group:"Server" help:"Log each request on stderr."`
	NoColor   bool          `help:"Disable colour, like NO_COLOR."`

	insist bool // the user asked to wait for the server
}

// wait makes the command wait for a server that is not started yet. By default the command fails at once if nothing
// listens on this machine.
func (c *connection) wait() { c.insist = true }

// limitNotNegative checks --limit of lists, where 0 means all.
func limitNotNegative(n int) error {
	if n < 0 {
		return errors.New("--limit must not be negative; 0 for all")
	}
	return nil
}

// session is a server with the name of the sender.
type session struct {
	*remote.Client
	settings.Settings
	line *console.Line
}

// who returns the user and the machine of this process, as far as the system reports them.
func who() (name, host string) {
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, _ = os.Hostname() // then it is unknown
	return name, host
}

func (c connection) settings(submitter string) (settings.Settings, error) {
	dir, err := os.Getwd()
	if err != nil {
		dir = "" // then there is no project
	}
	return settings.Resolve(settings.Input{
		URL: c.URL, TokenFile: c.TokenFile, CAFile: c.CAFile, Context: c.Context, Submitter: submitter,
		Env: os.Getenv, Who: who, Dir: dir, UserFile: settings.UserFile(),
	})
}

// dial resolves the settings. It sends nothing yet.
func (c connection) dial(s streams, submitter string) (*session, error) {
	found, err := c.settings(submitter)
	if err != nil {
		return nil, err
	}
	token, err := found.Token()
	if err != nil {
		return nil, err
	}
	roots, err := found.Roots()
	if err != nil {
		return nil, err
	}
	if c.NoColor {
		if err := os.Setenv("NO_COLOR", "1"); err != nil {
			return nil, err
		}
	}
	line := console.NewLine(s.err)
	cfg := remote.Config{
		URL: found.URL.Value, From: found.URL.Origin, Token: token, Roots: roots, Agent: "swarmcall/" + version,
		Header: traceHeaders(os.Getenv),
		Patience: remote.Patience{For: c.RetryFor, Insist: c.insist, Note: func(why string, in time.Duration) {
			if in == 0 {
				line.Say("%s; trying another server", why)
				return
			}
			line.Say("%s; trying again in %v", why, in.Round(10*time.Millisecond))
		}},
	}
	cfg.Quiet = func() { line.Say("waiting for %s …", remote.Mask(cfg.URL)) }
	if c.Debug {
		cfg.Trace = s.err
	}
	client, err := remote.Dial(cfg)
	if err != nil {
		return nil, err
	}
	if token != "" {
		for _, address := range client.Exposed() {
			line.Say("warning: the token is sent without encryption to %s; use https", address)
		}
	}
	return &session{client, found, line}, nil
}

// output is the format of the data on stdout.
type output struct {
	Output string `short:"o" default:"auto" enum:"auto,table,wide,json,jsonl,yaml,name" help:"Output format: ${enum}; auto is a table on a terminal and plain lines elsewhere." placeholder:"FORM"`
	JSON   bool   `name:"json" help:"Same as -o json."`
}

// contradiction is called by parse, not by kong: a Validate method here would be hidden by the Validate of the
// commands.
func (o output) contradiction() error {
	if o.JSON && o.Output != console.Auto && o.Output != console.JSON {
		return fmt.Errorf("--json and -o %s contradict each other", o.Output)
	}
	return nil
}

func (o output) format() string {
	if o.JSON {
		return console.JSON
	}
	return o.Output
}

// labelFlags makes kong read labels one by one. Without it, kong silently keeps the last of two values: a command would
// then go to drivers that the other value excludes.
func labelFlags() kong.Option {
	return kong.TypeMapper(reflect.TypeFor[map[string]string](), kong.MapperFunc(decodeLabel))
}

func decodeLabel(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("label", &text); err != nil {
		return err
	}
	key, value, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		return fmt.Errorf("%q must be KEY=VALUE", text)
	}
	labels := target.Interface().(map[string]string)
	if _, twice := labels[key]; twice {
		return fmt.Errorf("%s is given twice with different values; no driver can match both", key)
	}
	if labels == nil {
		labels = map[string]string{}
		target.Set(reflect.ValueOf(labels))
	}
	labels[key] = value
	return nil
}
