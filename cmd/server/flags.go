package main

import (
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/swarmcall/swarmcall/cmd/server/app"
)

// envPrefix is the prefix of every flag's environment variable: --data-dir is SWARMCALL_DATA_DIR.
const envPrefix = "SWARMCALL_"

// clientEnv are variables of the command-line client, which may be set in the same environment.
var clientEnv = []string{"SWARMCALL_URL", "SWARMCALL_TOKEN_FILE", "SWARMCALL_CA_FILE", "SWARMCALL_CONTEXT"}

// flags are the server's flags. Their defaults come from app.Defaults, so that there is one list of them.
type flags struct {
	Listen            string           `default:"${listen}" help:"Address to serve on (${default}); port 0 picks a free one." placeholder:"HOST:PORT"`
	OpsListen         string           `help:"Second address for /metrics, health and profiles, without credentials and TLS; keep it private. None by default." placeholder:"HOST:PORT"`
	DataDir           string           `default:"${data_dir}" help:"Directory of the command log (${default})." placeholder:"DIR"`
	HeartbeatInterval time.Duration    `default:"${heartbeat_interval}" help:"How often drivers report."`
	StaleAfter        time.Duration    `default:"${stale_after}" help:"Heartbeat age at which a driver becomes stale and is left out of commands."`
	ForgetAfter       time.Duration    `default:"${forget_after}" help:"How long a lost driver is remembered and shown."`
	DefaultDeadline   time.Duration    `default:"${default_deadline}" help:"Deadline of commands that do not set one."`
	LeaseTTL          time.Duration    `default:"${lease_ttl}" help:"How long drivers continue without the server."`
	OnLeaseLost       string           `default:"${on_lease_lost}" enum:"stop,hold" help:"What drivers do after that: ${enum}."`
	Resplit           string           `default:"${resplit}" enum:"off,on-loss,on-change" help:"When players_total is split again: ${enum}. On loss: when a driver that has a part is lost and its lease has expired. On change: also when a driver without a part registers; at most every 5 s."`
	LogSync           string           `default:"${log_sync}" enum:"always,interval" help:"When an append is flushed to disk: always (before it is answered) or interval (within a second; a power failure may lose that second)."`
	AcceptDataLoss    bool             `help:"Start on a damaged log with the remaining entries. The loss is recorded; see swarmcall log verify."`
	LogMaxBytes       int64            `default:"0" help:"Size at which the log refuses new entries; 0 for 8 GiB." placeholder:"BYTES"`
	NodeName          string           `default:"${node_name}" help:"This server's name in the log (${default})." placeholder:"NAME"`
	NATSURL           string           `name:"nats-url" help:"NATS servers that store the log for several nodes, separated by commas. Without it the log is in --data-dir." placeholder:"URL"`
	NATSCreds         string           `name:"nats-creds" help:"Credentials for --nats-url." placeholder:"FILE"`
	NATSCA            string           `name:"nats-ca" help:"Certificates (PEM) that sign those of the NATS servers; by default those of the system." placeholder:"FILE"`
	AllowedHosts      []string         `help:"Host names to accept, besides IP addresses, localhost and the listen address." placeholder:"NAME"`
	AllowedOrigins    []string         `help:"Origins of other web pages that may use this server." placeholder:"URL"`
	PublicURL         string           `name:"public-url" help:"Where a proxy serves this server, such as https://load.example.com/swarmcall/." placeholder:"URL"`
	TrustedProxies    []string         `help:"Addresses of proxies whose X-Forwarded-… or Forwarded headers name the client." placeholder:"CIDR"`
	InsecureNoAuth    bool             `help:"Allow --listen on non-loopback addresses, although any client that reaches them can command the swarm."`
	AuthFile          string           `help:"Tokens with their roles and scopes (YAML), reloaded when it changes. Without it there is no authentication." placeholder:"FILE"`
	TLSCert           string           `name:"tls-cert" help:"Certificate and intermediates (PEM), reloaded when they change. Without it the server speaks plain HTTP." placeholder:"FILE"`
	TLSKey            string           `name:"tls-key" help:"Private key of --tls-cert (PEM)." placeholder:"FILE"`
	InsecureNoTLS     bool             `name:"insecure-no-tls" help:"Allow --auth-file on non-loopback addresses without --tls-cert, for a server behind a proxy that ends TLS."`
	SessionKeyFile    string           `help:"Key that seals sign-in cookies; made in the data directory if not set." placeholder:"FILE"`
	WebhooksFile      string           `help:"Endpoints that get every record of the log, with their secrets (YAML), reloaded when it changes." placeholder:"FILE"`
	LogLevel          string           `default:"info" enum:"debug,info,warn,error" help:"Minimum level of log lines: ${enum}."`
	LogFormat         string           `default:"text" enum:"text,json" help:"Format of log lines on stderr: ${enum}."`
	Version           kong.VersionFlag `env:"-" help:"Print the version and exit."`

	unknown []string // SWARMCALL_ variables that do not belong to a flag
}

// parse reads args and the environment. done reports that help or the version was requested and printed.
func parse(args, environ []string, stdout io.Writer) (f *flags, done bool, err error) {
	f = &flags{}
	d, v := app.Defaults(), buildVersion()
	p, err := kong.New(f,
		kong.Name("swarmcall-server"),
		kong.Description("Live control for load-test swarms. "+
			"Each flag is also read from "+envPrefix+"… in the environment."),
		kong.DefaultEnvars(strings.TrimSuffix(envPrefix, "_")),
		kong.Writers(stdout, stdout),
		kong.Exit(func(int) { done = true }),
		kong.Vars{
			"listen": d.Listen, "data_dir": d.DataDir, "node_name": d.NodeName, "on_lease_lost": d.OnLeaseLost,
			"log_sync": d.LogSync, "resplit": d.Resplit,
			"heartbeat_interval": d.HeartbeatInterval.String(), "stale_after": d.StaleAfter.String(),
			"forget_after":     d.ForgetAfter.String(),
			"default_deadline": d.DefaultDeadline.String(), "lease_ttl": d.LeaseTTL.String(),
			"version": "swarmcall-server " + v.Version + " " + v.Revision + " " + v.GoVersion,
		})
	if err != nil {
		return nil, false, err
	}
	_, err = p.Parse(args)
	if done {
		return f, true, nil
	}
	f.unknown = unknownEnv(p.Model, environ)
	return f, false, err
}

// unknownEnv returns the SWARMCALL_ variables that no flag reads.
func unknownEnv(model *kong.Application, environ []string) []string {
	known := slices.Clone(clientEnv)
	for _, group := range model.AllFlags(false) {
		for _, flag := range group {
			known = append(known, flag.Envs...)
		}
	}
	var unknown []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, envPrefix) && !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

func (f *flags) level() slog.Level {
	var l slog.Level
	_ = l.UnmarshalText([]byte(f.LogLevel)) // already checked by the parser
	return l
}

func (f *flags) config(logger *slog.Logger) app.Config {
	return app.Config{
		Listen: f.Listen, OpsListen: f.OpsListen, DataDir: f.DataDir, NodeName: f.NodeName, LogSync: f.LogSync, Resplit: f.Resplit,
		AcceptDataLoss: f.AcceptDataLoss, LogMaxBytes: f.LogMaxBytes,
		HeartbeatInterval: f.HeartbeatInterval, StaleAfter: f.StaleAfter, ForgetAfter: f.ForgetAfter,
		DefaultDeadline: f.DefaultDeadline, LeaseTTL: f.LeaseTTL, OnLeaseLost: f.OnLeaseLost,
		AllowedHosts: f.AllowedHosts, AllowedOrigins: f.AllowedOrigins, InsecureNoAuth: f.InsecureNoAuth,
		PublicURL: f.PublicURL, TrustedProxies: f.TrustedProxies,
		AuthFile: f.AuthFile, TLSCert: f.TLSCert, TLSKey: f.TLSKey, InsecureNoTLS: f.InsecureNoTLS,
		SessionKeyFile: f.SessionKeyFile, WebhooksFile: f.WebhooksFile,
		NATSURL: f.NATSURL, NATSCreds: f.NATSCreds, NATSCA: f.NATSCA,
		Version: buildVersion(), Logger: logger,
	}
}
