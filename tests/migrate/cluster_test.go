package migrate

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarmtest/natstest"
)

// deployed runs three servers with the configuration that deploy/compose has, and returns URLs for its users.
func deployed(t *testing.T) (c *natstest.Cluster, nodes, operator string) {
	t.Helper()
	conf, err := filepath.Abs("../../deploy/compose/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{
		"NATS_NAME=n", "NATS_PASSWORD=swarmcall-password", "NATS_OPERATOR_PASSWORD=operator-password",
		"NATS_SYS_PASSWORD=sys-password", "NATS_ROUTE_PASSWORD=route-password",
	}
	for _, n := range []string{"1", "2", "3"} {
		env = append(env, "NATS_ROUTE_N"+n+"=nats://route:route-password@127.0.0.1:"+n)
	}
	c = natstest.Start(t, natstest.Options{
		Servers: 3, User: "swarmcall", Password: "swarmcall-password", Config: conf, Env: env,
	})
	return c, c.URLs(), strings.ReplaceAll(c.URLs(), "swarmcall:swarmcall-password@", "operator:operator-password@")
}

// TestACluster: with the permissions of a node, and while one of three servers is away for a part of it.
func TestACluster(t *testing.T) {
	c, urls, operator := deployed(t)
	before := cli(t, "", "doctor", "--retry-for", "0", "--nats-url", urls)
	for _, want := range []string{
		"log stream\twarning\tSWARMCALL does not exist yet", "nats permissions\tok\tthis user cannot",
		"nats max_payload\tok", "jetstream\tok",
	} {
		if !strings.Contains(before.out, want) {
			t.Errorf("doctor does not say %q:\n%s", want, before.out)
		}
	}
	dir := makeLog(t, 1300)
	if r := cli(t, "mid_migrate:2", migrate(dir, urls)...); r.code != -1 {
		t.Fatalf("code %d\n%s", r.code, r.err)
	}
	away := (c.Leader(t.Context(), logfile.StreamName) + 1) % 3
	c.Servers[away].Kill()
	out := ok(t, migrate(dir, urls)...)
	if !strings.Contains(out, "SWARMCALL, 3 replicas") {
		t.Errorf("it says\n%s", out)
	}
	c.Servers[away].Start()
	c.WaitReady(t.Context())
	if ok(t, "log", "export", "--nats-url", urls) != ok(t, "log", "export", "--data-dir", dir) {
		t.Error("the export differs")
	}
	s := node(t, urls, "a")
	if r := cli(t, "", "doctor", "--url", s.URL, "--nats-url", urls); strings.Contains(r.out, "nats\tBAD") ||
		strings.Count(r.out, "nats\tok\tnats://swarmcall:xxxxx@") != 3 ||
		!strings.Contains(r.out, "log stream\tok\tSWARMCALL has the right settings, 3 replicas") {
		t.Errorf("doctor says\n%s%s", r.out, r.err)
	}
	if r := cli(t, "", "doctor", "--url", s.URL, "--nats-url", operator); !strings.Contains(r.out,
		"nats permissions\twarning\tthis user may change or remove the log") {
		t.Errorf("doctor of the operator says\n%s%s", r.out, r.err)
	}
	s.Stop()
	c.Servers[away].Kill()
	r := cli(t, "", "doctor", "--retry-for", "0", "--nats-url", urls)
	if !strings.Contains(r.out, "nats\tBAD\t"+strings.Replace(c.URL(away), "swarmcall-password", "xxxxx", 1)) {
		t.Errorf("doctor with a server away: code %d\n%s", r.code, r.out)
	}
	wrong := strings.ReplaceAll(urls, "swarmcall-password", "guessed")
	if r := cli(t, "", migrate(dir, wrong)...); r.code != 4 || strings.Contains(r.err, "guessed") {
		t.Errorf("a wrong password: code %d\n%s", r.code, r.err)
	}
}
