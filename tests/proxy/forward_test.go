package proxy

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
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
	_, serverPort, _ := net.SplitHostPort(upstream)
	text += "ConnectPort 443\n" + replaced(t, connectPort(t), "8080", serverPort) + "\n"
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
	environment(t, "http://0.0.0.0:"+serverPort, p.addr)
}

// connectPort returns the line of a configuration by which the page lets tinyproxy connect to the server.
func connectPort(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "howto", "proxy.md"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile("`(ConnectPort [0-9]+)`").FindSubmatch(page)
	if line == nil {
		t.Fatal("docs/howto/proxy.md names no ConnectPort")
	}
	return string(line[1])
}

// TestForwardProxyOfOtherPorts: a proxy that allows 443 only is named in the driver's log.
func TestForwardProxyOfOtherPorts(t *testing.T) {
	tinyproxy := find(t, "tinyproxy")
	w := &world{t: t, log: new(proctest.Output)}
	p := newPlace(t)
	w.at = "http://" + w.serve(servertest.Config(t))
	_, port, _ := net.SplitHostPort(p.addr)
	text := "Port " + port + "\nListen 127.0.0.1\nAllow 127.0.0.1\nLogLevel Connect\nConnectPort 443\n"
	run(t, exec.Command(tinyproxy, "-d", "-c", p.write(t, "tinyproxy.conf", text)), p.addr)
	transport := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: p.addr})}
	t.Cleanup(transport.CloseIdleConnections)
	w.notThrough(&http.Client{Transport: transport}, "through the proxy http://"+p.addr, "403")
}

// environment uses the programs with the variables that name a proxy, and without it by NO_PROXY. The server's address
// is 0.0.0.0, which leads to this machine: for 127.0.0.1 no program asks a proxy.
func environment(t *testing.T, server, proxy string) {
	t.Helper()
	with := func(variables ...string) []string { return append(variables, "SWARMCALL_URL="+server) }
	right, wrong := "HTTP_PROXY=http://me:secret@"+proxy, "HTTP_PROXY=http://me:wrong@"+proxy
	refused := startCLI(t, with(wrong), "drivers", "list", "--retry-for", "0")
	refused.code(8)
	refused.says(refused.Err, "through the proxy http://me:xxxxx@"+proxy)
	for id, env := range map[string][]string{
		"d-through": with(right), "d-around": with(wrong, "NO_PROXY=0.0.0.0"),
	} {
		d := startCLI(t, env, "drive", "http", "--driver-id", id, "--target", target(t), "--label", "id="+id)
		startCLI(t, env, "wait", "drivers", "1", "--label", "id="+id).code(0)
		d.Signal(syscall.SIGTERM)
		d.code(0)
	}
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
