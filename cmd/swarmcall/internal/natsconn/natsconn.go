// Package natsconn connects to the NATS servers that store a shared log.
package natsconn

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
)

const (
	connectTimeout = 2 * time.Second // for each server
	reconnectWait  = 250 * time.Millisecond
	flushTimeout   = 2 * time.Second
)

// Config says how to connect. It has the names of the server's flags.
type Config struct {
	URL   string // one or more, separated by commas
	Creds string // file; "" for none
	CA    string // PEM file; "" for the system's
}

// URLs returns the URLs one by one.
func (c Config) URLs() (all []string, _ error) {
	for _, text := range strings.Split(c.URL, ",") {
		text = strings.TrimSpace(text)
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || (u.Scheme != "nats" && u.Scheme != "tls") {
			return nil, &clierr.Error{
				Code: clierr.Usage,
				What: "--nats-url must be one or more of nats://HOST:PORT or tls://HOST:PORT, separated by commas",
			}
		}
		all = append(all, text)
	}
	return all, nil
}

// Masked returns a URL without its password.
func Masked(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "a URL"
	}
	return u.Redacted()
}

// Conn is a connection.
type Conn struct {
	*nats.Conn

	mu     sync.Mutex
	denied error // what NATS last refused this user
}

// Dial connects to the first of the servers that answers. If none takes the credentials, that is the error, also if
// others do not answer.
func Dial(c Config) (*Conn, error) {
	urls, err := c.URLs()
	if err != nil {
		return nil, err
	}
	conn, err := c.dial(c.URL)
	if err == nil {
		return conn, nil
	}
	for _, url := range urls {
		if refused(err) {
			break
		}
		one, failed := c.dial(url)
		if failed == nil { // it has started meanwhile
			return one, nil
		}
		if refused(failed) {
			err = failed
		}
	}
	return nil, notConnected(err)
}

func (c Config) dial(urls string) (*Conn, error) {
	conn := &Conn{}
	opts := []nats.Option{
		nats.Name("swarmcall"), nats.Timeout(connectTimeout), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
		nats.ReconnectBufSize(-1), // what cannot be sent now must not be sent later
		nats.IgnoreDiscoveredServers(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { conn.note(err) }),
	}
	if c.Creds != "" {
		opts = append(opts, nats.UserCredentials(c.Creds))
	}
	if c.CA != "" {
		opts = append(opts, nats.RootCAs(c.CA))
	}
	var err error
	if conn.Conn, err = nats.Connect(urls, opts...); err != nil {
		return nil, err
	}
	return conn, nil
}

// refused reports whether a server has refused the credentials.
func refused(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) ||
		errors.Is(err, nats.ErrAuthRevoked)
}

func notConnected(err error) error {
	e := &clierr.Error{
		Code: clierr.Unreachable, What: "cannot connect to NATS", Cause: err,
		Hint: "check --nats-url, --nats-creds and --nats-ca, and that the servers run",
	}
	if refused(err) {
		e.Code, e.Hint = clierr.Auth, "check the credentials: --nats-creds, or user and password in --nats-url"
	}
	return e
}

func (c *Conn) note(err error) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denied = err
}

// Explain adds to an error what NATS has refused this user: the request itself only got no answer.
func (c *Conn) Explain(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil || c.denied == nil {
		return err
	}
	return fmt.Errorf("%w (%w)", err, c.denied)
}

// May reports whether this user may send to a subject. It sends a request there, so the subject must be one that has no
// effect.
func (c *Conn) May(ctx context.Context, subject string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if err := c.PublishRequest(subject, c.NewInbox(), []byte("{}")); err != nil {
		return false, err
	}
	if err := c.FlushWithContext(ctx); err != nil { // a refusal comes before the answer to it
		return false, err
	}
	last := c.LastError()
	return last == nil || !errors.Is(last, nats.ErrPermissionViolation) || !strings.Contains(last.Error(), subject), nil
}

// Stream is the configuration of the log's stream, as a node would create it.
func (c *Conn) Stream(maxBytes int64) stream.Config {
	if maxBytes == 0 {
		maxBytes = stream.DefaultMaxBytes
	}
	return stream.Config{
		Conn: c.Conn, Name: logfile.StreamName, Subject: logfile.Subject, Replicas: stream.Replicas(c.Conn),
		MaxBytes: maxBytes,
	}
}
