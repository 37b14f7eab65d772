package natstest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/swarmcall/swarmcall/internal/swarmtest/certtest"
)

// settings are those of deploy/compose/nats.conf: what is on the disk after a kill, and which records pass, depends on
// them.
const settings = `
jetstream: {store_dir: $NATS_STORE_DIR, sync_interval: always, max_memory_store: 1GB, max_file_store: 64GB}
max_payload: 8MB
`

// configure writes the configuration that all servers share. Flags add what is particular to one.
func (c *Cluster) configure() (path string) {
	c.t.Helper()
	dir := c.t.TempDir()
	text := settings
	if c.opts.Servers > 1 {
		text += "cluster: {name: test, no_advertise: true}\n"
	}
	if c.opts.User != "" {
		text += c.password()
	}
	if c.opts.Creds {
		text += c.operator(dir)
	}
	if c.opts.TLS {
		text += c.certificate(dir)
	}
	return c.write(filepath.Join(dir, "nats.conf"), text)
}

// password returns the settings for one user with a password.
func (c *Cluster) password() string {
	return fmt.Sprintf("accounts: {APP: {jetstream: enabled, users: [{user: %q, password: %q}]}, SYS: {}}\n"+
		"system_account: SYS\n", c.opts.User, c.opts.Password)
}

// certificate writes a certificate for clients to check, and returns the settings for it.
func (c *Cluster) certificate(dir string) string {
	authority := certtest.New(c.t)
	cert, key := authority.Issue(certtest.Leaf{Name: "nats"}).Write(c.t, dir)
	c.CAFile = c.write(filepath.Join(dir, "ca.pem"), string(authority.PEM))
	return fmt.Sprintf("tls: {cert_file: %q, key_file: %q, timeout: 60}\n", cert, key)
}

// operator makes an operator, a system account, an account with JetStream and a user in it. It writes the user's
// credentials, and returns the settings.
func (c *Cluster) operator(dir string) string {
	c.t.Helper()
	operator, operatorID := c.pair(nkeys.CreateOperator)
	_, systemID := c.pair(nkeys.CreateAccount)
	account, accountID := c.pair(nkeys.CreateAccount)
	user, userID := c.pair(nkeys.CreateUser)

	claims := jwt.NewAccountClaims(accountID)
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{
		MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit,
	}
	seed, err := user.Seed()
	if err != nil {
		c.t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(c.sign(jwt.NewUserClaims(userID), account), seed)
	if err != nil {
		c.t.Fatal(err)
	}
	c.CredsFile = c.write(filepath.Join(dir, "user.creds"), string(creds))
	return strings.Join([]string{
		"operator: " + c.sign(jwt.NewOperatorClaims(operatorID), operator),
		"system_account: " + systemID,
		"resolver: MEMORY",
		"resolver_preload: {",
		systemID + ": " + c.sign(jwt.NewAccountClaims(systemID), operator),
		accountID + ": " + c.sign(claims, operator),
		"}\n",
	}, "\n")
}

func (c *Cluster) pair(create func() (nkeys.KeyPair, error)) (pair nkeys.KeyPair, public string) {
	c.t.Helper()
	pair, err := create()
	if err == nil {
		public, err = pair.PublicKey()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return pair, public
}

func (c *Cluster) sign(claims jwt.Claims, by nkeys.KeyPair) string {
	c.t.Helper()
	token, err := claims.Encode(by)
	if err != nil {
		c.t.Fatal(err)
	}
	return token
}

func (c *Cluster) write(path, text string) string {
	c.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}
