package check

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

// role is the environment variable that makes this test binary a faulty driver.
const role = "SWARMCALL_CHECK_TEST_ROLE"

func TestMain(m *testing.M) {
	if r := os.Getenv(role); r != "" {
		drive(r)
		return
	}
	goleak.VerifyTestMain(m)
}

// drive connects as a driver that violates a requirement, and disconnects.
func drive(role string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	options := &websocket.DialOptions{Subprotocols: []string{"swarmcall.v1.json"}}
	if role == "no subprotocol" {
		options.Subprotocols = nil
	}
	if path := os.Getenv("SWARMCALL_TOKEN_FILE"); path != "" && role != "no token" {
		token, _ := os.ReadFile(path)
		options.HTTPHeader = http.Header{"Authorization": {"Bearer " + string(token)}}
	}
	conn, _, err := websocket.Dial( //nolint:bodyclose // Dial has closed it
		ctx, os.Getenv("SWARMCALL_URL")+"/drivers/connect", options)
	if err != nil {
		return
	}
	_ = conn.Write(ctx, websocket.MessageText, []byte(`{"type":"register","driver_id":"`+role+`"}`))
	_, _, _ = conn.Read(ctx)
	_ = conn.CloseNow()
}

// check runs the command on this binary in this role.
func check(t *testing.T, as string, o Options) (stdout, stderr string, err error) {
	t.Helper()
	t.Setenv(role, as)
	self, exeErr := os.Executable()
	if exeErr != nil {
		t.Fatal(exeErr)
	}
	var out, errs strings.Builder
	o.Listen, o.Out, o.Err = "127.0.0.1:0", &out, &errs
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	if o.Command == nil {
		o.Command = []string{self}
	}
	err = Run(t.Context(), o)
	return out.String(), errs.String(), err
}

func TestADriverThatFails(t *testing.T) {
	transcript := filepath.Join(t.TempDir(), "t.jsonl")
	out, errs, err := check(t, "leaves", Options{Transcript: transcript})
	if clierr.CodeOf(err) != clierr.Failed || !strings.Contains(err.Error(), "does not meet the protocol") {
		t.Errorf("error %v", err)
	}
	for _, want := range []string{"D2   pass", "D5   FAIL", "leaves: ", "D16  FAIL"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report has no %q:\n%s", want, out)
		}
	}
	if !strings.Contains(errs, "leaves has registered") {
		t.Errorf("said %q", errs)
	}
	file, err := os.Open(transcript)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines := 0
	for scan := bufio.NewScanner(file); scan.Scan(); lines++ {
		var line struct {
			From, What string
		}
		if err := json.Unmarshal(scan.Bytes(), &line); err != nil || line.From == "" || line.What == "" {
			t.Errorf("line %d of the transcript: %s, %v", lines, scan.Bytes(), err)
		}
	}
	if lines < 5 {
		t.Errorf("the transcript has %d lines", lines)
	}
}

func TestADriverThatIsNone(t *testing.T) {
	out, _, err := check(t, "no subprotocol", Options{})
	if clierr.CodeOf(err) != clierr.Timeout || out != "" {
		t.Errorf("error %v, stdout %q", err, out)
	}
	if text := clierr.Text(err); !strings.Contains(text, "D1 Handshake: offers ; want swarmcall.v1.json") {
		t.Errorf("the error is\n%s", text)
	}
}

// TestToken: a driver that is started finds the token in a file of its own.
func TestToken(t *testing.T) {
	t.Setenv("SWARMCALL_TOKEN_FILE", "")
	out, errs, err := check(t, "leaves", Options{Token: "swc_canary"})
	if clierr.CodeOf(err) != clierr.Failed || !strings.Contains(errs, "leaves has registered") ||
		!strings.Contains(out, "D1   pass") || strings.Contains(out+errs, "canary") {
		t.Errorf("error %v, said %q, printed\n%s", err, errs, out)
	}
	_, errs, err = check(t, "no token", Options{Token: "swc_canary"})
	if text := clierr.Text(err); clierr.CodeOf(err) != clierr.Timeout ||
		!strings.Contains(text, "D1 Handshake: presented no token") || strings.Contains(text+errs, "canary") {
		t.Errorf("said %q, the error is\n%s", errs, text)
	}
}

func TestTokenFile(t *testing.T) {
	f, err := newTokenFile("one")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two"} {
		if err := f.write(want); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(f.path); err != nil || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	f.remove()
	if _, err := os.Stat(filepath.Dir(f.path)); err == nil {
		t.Error("the directory is still there")
	}
}

func TestAnotherDriverIsRefused(t *testing.T) {
	_, errs, err := check(t, "leaves", Options{DriverID: "d-1"})
	if clierr.CodeOf(err) != clierr.Timeout || !strings.Contains(errs, "refused leaves; want d-1") {
		t.Errorf("error %v, said %q", err, errs)
	}
}

func TestWhatCannotBeginAtAll(t *testing.T) {
	if _, _, err := check(t, "", Options{Command: []string{"/does/not/exist"}}); clierr.CodeOf(err) != clierr.Failed {
		t.Errorf("no such command: %v", err)
	}
	if _, _, err := check(t, "", Options{Transcript: filepath.Join(t.TempDir(),
		"no", "dir")}); clierr.CodeOf(err) != clierr.Failed {
		t.Errorf("no such directory: %v", err)
	}
	var out strings.Builder
	if err := Run(t.Context(), Options{Listen: "256.0.0.1:0", Out: &out,
		Err: &out}); clierr.CodeOf(err) != clierr.Failed {
		t.Errorf("no such address: %v", err)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	err := Run(ctx, Options{Listen: "127.0.0.1:0", Wait: time.Minute, Out: &out, Err: &out})
	if code := clierr.CodeOf(err); code != clierr.Interrupted && code != clierr.Failed { // Listen may see it first
		t.Errorf("error %v", err)
	}
}

func TestProcessIsAskedToLeave(t *testing.T) {
	if runtime.GOOS == "windows" {
		testenv.SkipOrFail(t, "there is no SIGTERM")
	}
	var out strings.Builder
	p, err := start([]string{"sleep", "60"}, nil, &out)
	if err != nil {
		t.Fatal(err)
	}
	p.Leave()
	<-p.Done()
	p.Kill() // the process has ended already
}
