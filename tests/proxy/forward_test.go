package proxy

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// TestForwardProxy connects a driver without TLS through Debian's tinyproxy, which removes Upgrade from plain requests.
func TestForwardProxy(t *testing.T) {
	tinyproxy := find(t, "tinyproxy")
	w := &world{t: t, log: new(proctest.Output)}
	p := newPlace(t)
	upstream := w.serve(servertest.Config(t))
	_, port, _ := net.SplitHostPort(p.addr)
	text := "Port " + port + "\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 600\nLogLevel Connect\nBasicAuth me secret\n"
	run(t, exec.Command(tinyproxy, "-d", "-c", p.write(t, "tinyproxy.conf", text)), p.addr)

	through := func(password string) *http.Client {
		transport := &http.Transport{
			Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: p.addr, User: url.UserPassword("me", password)}),
		}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	w.client, w.at = through("secret"), "http://"+upstream
	w.drive("d-1", w.at, w.client)
	w.command(setPlayers) // reaches the driver through the tunnel, and the answer is that it acked
	var entry struct {
		Status string
	}
	if a := w.do(http.MethodGet, w.at+"/commands/2", ""); json.Unmarshal([]byte(a.body), &entry) != nil ||
		entry.Status != "complete" {
		t.Errorf("the command through the tunnel: %s", a.body)
	}
	w.notThrough(through("wrong"), "through the proxy http://me:xxxxx@"+p.addr, "401")
}

// notThrough starts a driver that the proxy blocks, and checks its log.
func (w *world) notThrough(client *http.Client, words ...string) {
	w.t.Helper()
	said := w.tries("d-2", client)
	for _, want := range words {
		if !strings.Contains(said, want) {
			w.t.Errorf("the driver says %q, and not %q", said, want)
		}
	}
	if strings.Contains(said, "wrong") {
		w.t.Errorf("the password is in %q", said)
	}
}
