package app

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// checkListen refuses an address that other machines can reach, unless clients have to authenticate over TLS or a flag
// accepts that they do not; and it refuses flags that contradict each other.
//
//	loopback    nothing
//	elsewhere   --auth-file, and --tls-cert --tls-key or --insecure-no-tls
//	elsewhere   --insecure-no-auth
func (c *Config) checkListen() error {
	if _, err := portOf(c.Listen); err != nil {
		return fmt.Errorf("--listen is %q; it must be host:port, such as 127.0.0.1:8080", c.Listen)
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && isLoopback(host) {
		return c.checkAccess()
	}
	return errors.Join(c.checkAccess(), c.checkExposed())
}

// portOf returns the port of an address, which must be host:port with a number.
func portOf(addr string) (uint16, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err == nil && strconv.FormatUint(n, 10) != port {
		err = errors.New("the port is not a plain number")
	}
	return uint16(n), err
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// checkAccess refuses flags that contradict each other at any address.
func (c *Config) checkAccess() error {
	var errs []error
	bad := func(broken bool, text string) {
		if broken {
			errs = append(errs, errors.New(text))
		}
	}
	bad(c.TLSCert != "" && c.TLSKey == "", "--tls-cert needs --tls-key, the file of its private key")
	bad(c.TLSKey != "" && c.TLSCert == "", "--tls-key needs --tls-cert, the file of its certificate")
	bad(c.InsecureNoTLS && (c.TLSCert != "" || c.TLSKey != ""), "--insecure-no-tls contradicts --tls-cert and --tls-key: "+
		"remove it to serve TLS, or remove those two if a proxy ends TLS")
	bad(c.InsecureNoAuth && c.AuthFile != "", "--insecure-no-auth contradicts --auth-file: "+
		"remove --insecure-no-auth to require credentials")
	bad(c.SessionKeyFile != "" && c.AuthFile == "", "--session-key-file needs --auth-file: "+
		"without authentication no one signs in")
	return errors.Join(errs...)
}

// checkExposed refuses what other machines must not reach.
func (c *Config) checkExposed() error {
	withTLS := c.TLSCert != "" || c.TLSKey != "" // one without the other is refused in any case
	switch {
	case c.InsecureNoAuth && c.InsecureNoTLS:
		return errors.New("--insecure-no-tls is for a server with --auth-file; with --insecure-no-auth remove it")
	case c.InsecureNoAuth:
		return nil
	case c.AuthFile == "" && c.InsecureNoTLS:
		return fmt.Errorf("--listen %s is reachable from other machines: --insecure-no-tls needs --auth-file, or "+
			"replace it by --insecure-no-auth to let any client that reaches the address command the swarm", c.Listen)
	case c.AuthFile == "" && withTLS:
		return fmt.Errorf("--listen %s is reachable from other machines, and TLS alone does not authenticate clients: "+
			"set --auth-file, listen on 127.0.0.1, or set --insecure-no-auth", c.Listen)
	case c.AuthFile == "":
		return fmt.Errorf("--listen %s is reachable from other machines, and there is no authentication: any client "+
			"that reaches it can command the swarm; set --auth-file with --tls-cert and --tls-key, listen on "+
			"127.0.0.1, or set --insecure-no-auth", c.Listen)
	case !withTLS && !c.InsecureNoTLS:
		return fmt.Errorf("--listen %s is reachable from other machines, and clients would send their tokens "+
			"unencrypted: set --tls-cert and --tls-key, or --insecure-no-tls if a proxy ends TLS", c.Listen)
	}
	return nil
}
