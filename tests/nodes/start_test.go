package nodes_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest/natstest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// fails runs a server that must not start. It returns its last line, or for a wrong command line all it says.
func fails(t *testing.T, code int, args ...string) string {
	t.Helper()
	p, err := proctest.Start(launch(t.TempDir(), args...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if !p.EndsWithin(patience) {
		t.Fatalf("it goes on: %s", p.Err)
	}
	lines := strings.Split(strings.TrimSpace(p.Err.String()), "\n")
	if p.Code() != code {
		t.Errorf("it ended with %d, want %d: %s", p.Code(), code, p.Err)
	}
	for _, l := range lines {
		if strings.HasPrefix(l, "goroutine ") || strings.HasPrefix(l, "panic") {
			t.Fatalf("it crashed: %s", p.Err)
		}
	}
	if code == 2 {
		return p.Err.String()
	}
	return lines[len(lines)-1]
}

func wants(t *testing.T, line string, words ...string) {
	t.Helper()
	t.Log(line)
	for _, w := range words {
		if !strings.Contains(line, w) {
			t.Errorf("%q does not contain %q", line, w)
		}
	}
}

func TestWhatKeepsANodeFromStarting(t *testing.T) {
	t.Parallel()
	t.Run("no name", func(t *testing.T) {
		t.Parallel()
		wants(t, fails(t, 2, "--nats-url", "nats://127.0.0.1:4222"), "--node-name")
	})
	t.Run("a name in use", func(t *testing.T) {
		t.Parallel()
		nats := natstest.Start(t, natstest.Options{Servers: 1})
		n := newNode(t, nats, "n1")
		n.start()
		eventually(t, "the node is ready", n.ready)
		wants(t, fails(t, 1, "--nats-url", nats.URLs(), "--node-name", "n1"), "n1", "--node-name")
		if !n.ready() {
			t.Error("the first node is not ready any more")
		}
	})
	t.Run("wrong credentials", func(t *testing.T) {
		t.Parallel()
		nats := natstest.Start(t, natstest.Options{Servers: 1, User: "swarmcall", Password: "right"})
		line := fails(t, 1, "--nats-url", strings.Replace(nats.URLs(), "right", "wrong", 1), "--node-name", "n1")
		wants(t, line, "--nats-creds")
		if strings.Contains(line, "wrong") {
			t.Errorf("the password is in %q", line)
		}
	})
	t.Run("no JetStream", func(t *testing.T) {
		t.Parallel()
		config := filepath.Join(t.TempDir(), "nats.conf")
		if err := os.WriteFile(config, []byte("max_payload: 8MB\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		nats := natstest.Start(t, natstest.Options{Servers: 1, Config: config})
		wants(t, fails(t, 1, "--nats-url", nats.URLs(), "--node-name", "n1"), "JetStream")
	})
	t.Run("nobody at that address", func(t *testing.T) {
		t.Parallel()
		wants(t, fails(t, 1, "--nats-url", "nats://127.0.0.1:1", "--node-name", "n1"), "--nats-url")
	})
}

// TestCredentialsAndTLS starts a node with a credentials file and a certificate authority of its own.
func TestCredentialsAndTLS(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t, natstest.Options{Servers: 1, Creds: true, TLS: true})
	n := newNode(t, nats, "n1", "--nats-creds", nats.CredsFile, "--nats-ca", nats.CAFile)
	n.start()
	eventually(t, "the node is ready", n.ready)
	d := newGroup(t).sdk(t, n.door.URL(), "d-1", nil)
	eventually(t, "the driver is active", func() bool { return n.active() == 1 })
	if e := n.mustPost(command{submitter: "a", players: 3}); e.Counts.Acked != 1 || d.last().players != 3 {
		t.Errorf("%+v, %+v", e, d.last())
	}
	t.Run("without the authority", func(t *testing.T) {
		t.Parallel()
		wants(t, fails(t, 1, "--nats-url", nats.URLs(), "--node-name", "n2", "--nats-creds", nats.CredsFile), "--nats-ca")
	})
	t.Run("without the credentials", func(t *testing.T) {
		t.Parallel()
		wants(t, fails(t, 1, "--nats-url", nats.URLs(), "--node-name", "n2", "--nats-ca", nats.CAFile), "--nats-creds")
	})
}
