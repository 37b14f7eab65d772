package access

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// home is the home directory of the calls of the command line, with the files of a pipeline.
func (p *programs) home() string { return filepath.Join(p.dir, "home") }

// command prepares a program of ours.
func (p *programs) command(env []string, name string, args ...string) *exec.Cmd {
	if err := os.MkdirAll(p.home(), 0o700); err != nil {
		p.world.t.Fatal(err)
	}
	ctx, end := context.WithTimeout(p.world.t.Context(), patience)
	p.world.t.Cleanup(end)
	cmd := exec.CommandContext(ctx, filepath.Join(p.dir, name), args...)
	cmd.WaitDelay = time.Second
	cmd.Dir = p.home()
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.home(), "SWARMCALL_URL=" + p.URL, "GITHUB_ACTIONS=true",
		"GITHUB_STEP_SUMMARY=" + filepath.Join(p.home(), "summary"), "GITHUB_OUTPUT=" + filepath.Join(p.home(),
			"output"),
	}, env...)
	return cmd
}

// cli calls the command line, and searches what it prints.
func (p *programs) cli(env []string, stdin string, args ...string) {
	p.world.t.Helper()
	cmd := p.command(env, "swarmcall", args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, _ := cmd.CombinedOutput() // most calls fail
	p.search("the output of swarmcall "+args[0], string(out))
}

// words are command lines, with the token in a wrong place.
var words = []string{
	"state --token-file {canary}", "doctor --token-file {canary}", "config --origin --token-file {canary}",
	"config -o json --token-file {canary}", "whoami --token-file {canary}", "drive exec --token-file {canary} -- true",
	"state --token {canary}", "state --token={canary}", "{canary}", "players set {canary}", "state {canary}",
	"players set 5 --token-file {file} --note {canary} --deadline 1s",
	"stop --yes --token-file {file} --label team={canary}",
	"stop --yes --token-file {file} --label {canary}=x", "stop --yes --token-file {file} --driver {canary}",
	"stop --yes --token-file {file} --submitter {canary}", "stop --yes --token-file {file} --idempotency-key {canary}",
	"stop --yes --token-file {file} --deadline {canary}", "commands show {canary} --token-file {file}",
	"commands {canary} --token-file {file}", "drivers {canary} --token-file {file}",
	"drivers show {canary} --token-file {file}",
	"drivers --label team={canary} --token-file {file} --debug",
	"commands --submitter {canary} --token-file {file} --debug",
	"state --url http://{canary}@{host} --debug", "state --url http://x:{canary}@{host} --debug",
	"state --url http://{host}/{canary} --debug", "state --url http://{host}/?token={canary} --debug",
	"state --url {canary}", "doctor --url http://{canary}@{host}",
	"doctor --url http://{host}/{canary}", "config --url http://{canary}@{host}", "state --context {canary}",
	"run {canary}.yaml --token-file {file}", "state -o {canary}", "log verify --data-dir {canary}",
	"token new {canary}",
	"token new x --auth-file a.yaml --role {canary}", "token revoke {canary} --auth-file a.yaml", "auth check {canary}",
	"token list --auth-file {canary}", "login --url http://{canary}@{host}", "login --context {canary}",
	"login {canary}",
	"context set x --url http://127.0.0.1:1 --token-file {canary}", "context list", "context list -o json",
	"context use {canary}",
	"drive exec --token-file {file} --label team={canary} -- true",
	"drive exec --token-file {file} --driver-id {canary} -- true",
	"drive exec --url http://{host}/{canary} --token-file {file} -- true", "completion {canary}", "help {canary}",
	"state --ca-file {canary}", "complete -- state --token-file {canary}", "health --url http://{canary}@{host}",
}

// commandLines calls the command line with valid tokens, and with tokens in wrong places.
func (p *programs) commandLines() {
	t := p.world.t
	t.Helper()
	file := p.file("root")
	for _, line := range []string{"state", "drivers", "commands", "whoami", "doctor", "config --origin",
		"players set 5 --deadline 1s", "stop --yes", "commands -o json", "state -o yaml"} {
		p.cli(nil, "", append(strings.Fields(line), "--debug", "--token-file", file)...)
		p.cli([]string{"SWARMCALL_TOKEN_FILE=" + file}, "", append(strings.Fields(line), "--debug")...)
	}
	for _, line := range words {
		secret := p.put("swarmcall " + line)
		line = strings.NewReplacer("{canary}", secret, "{file}", file, "{host}",
			strings.TrimPrefix(p.URL, "http://")).Replace(line)
		p.cli(nil, "", strings.Fields(line)...)
	}
	for _, name := range []string{"SWARMCALL_TOKEN_FILE={canary}", "SWARMCALL_TOKEN={canary}",
		"SWARMCALL_CONTEXT={canary}",
		"SWARMCALL_URL=http://{canary}@127.0.0.1:1", "SWARMCALL_URL={canary}", "SWARMCALL_CA_FILE={canary}",
		"USER={canary}",
		"GITHUB_REPOSITORY={canary}", "SWARMCALL_AUTH_FILE={canary}"} {
		env := []string{strings.ReplaceAll(name, "{canary}", p.put(name))}
		for _, line := range []string{"state --retry-for 0s", "doctor --retry-for 0s", "config --origin", "auth check",
			"stop --yes --retry-for 0s", "stop --yes --debug --token-file " + file} {
			p.cli(env, "", strings.Fields(line)...)
		}
		p.serverFails(env)
	}
	p.tokenFiles()
	p.logins()
	for _, flag := range []string{"--auth-file", "--webhooks-file", "--session-key-file", "--tls-cert", "--token",
		"--listen", "--data-dir=/dev/null/",
		"--allowed-origins", "--public-url", "--node-name", "--log-level"} {
		p.serverFails(nil, flag, p.put("swarmcall-server "+flag))
	}
	p.driveProgram()
	p.searchFiles(p.home(), "token") // which login has made, see below
}

// serverFails calls the server with flags that are not valid.
func (p *programs) serverFails(env []string, args ...string) {
	p.world.t.Helper()
	p.fails(p.command(env, "swarmcall-server", append(args, "--on-lease-lost", "x")...)) // so that it never starts
	if len(args) > 0 && (args[0] == "--auth-file" || args[0] == "--webhooks-file") {
		p.fails(p.command(env, "swarmcall-server", append(args, "--listen", "127.0.0.1:0", "--data-dir",
			p.world.t.TempDir(), "--log-level", "debug")...))
	}
}

func (p *programs) fails(cmd *exec.Cmd) {
	p.world.t.Helper()
	out, err := cmd.CombinedOutput()
	if err == nil {
		p.world.t.Errorf("%s starts", cmd)
	}
	p.search("the output of swarmcall-server", string(out))
}

// tokenFiles have more than a token, or one that the server does not know.
func (p *programs) tokenFiles() {
	t := p.world.t
	t.Helper()
	for _, content := range []string{"{canary}\n", "{canary}\n{canary}\n", "  x {canary}", "{canary}\x00",
		"TOKEN={canary}",
		"Bearer {canary}", `"{canary}"`, "{canary}é", strings.Repeat("{canary}", 100)} {
		secret := p.put(fmt.Sprintf("a token file with %.40q", content))
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(content, "{canary}", secret)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"state", "doctor", "whoami", "stop --yes", "config", "drivers --debug"} {
			p.cli(nil, "", append(strings.Fields(line), "--token-file", path)...)
		}
		p.cli(nil, "", "drive", "exec", "--token-file", path, "--", "true")
		p.cli(nil, "", "run", path, "--token-file", path)
		p.cli(nil, strings.ReplaceAll(content, "{canary}", secret), "login", "--url", p.URL)
		for _, settings := range []string{"token_file: {canary}", "token: {canary}", "{canary}",
			"url: http://{canary}@127.0.0.1:1",
			"contexts: {x: {url: http://{canary}@127.0.0.1:1}}", "context: {canary}"} {
			text := strings.ReplaceAll(settings, "{canary}", secret)
			if err := os.WriteFile(filepath.Join(p.home(), ".swarmcall.yaml"), []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, line := range []string{"state --retry-for 0s", "doctor --retry-for 0s", "config --origin",
				"context list"} {
				p.cli([]string{"SWARMCALL_URL="}, "", strings.Fields(line)...)
			}
		}
		if err := os.Remove(filepath.Join(p.home(), ".swarmcall.yaml")); err != nil {
			t.Fatal(err)
		}
	}
}

// logins sign in with a valid token, which is stored for its owner alone, and out.
func (p *programs) logins() {
	t := p.world.t
	t.Helper()
	before := p.texts
	p.cli(nil, p.secret("root")+"\n", "login", "--url", p.URL)
	var stored []string
	_ = filepath.WalkDir(p.home(), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if b, _ := os.ReadFile(path); bytes.Contains(b, []byte(p.secret("root"))) {
			stored = append(stored, path)
			if info, err := entry.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s is %v, %v", path, info.Mode(), err)
			}
		}
		return nil
	})
	if len(stored) != 1 || p.texts == before {
		t.Errorf("the token is stored in %q", stored)
	}
	for _, line := range []string{"whoami", "config --origin", "doctor", "logout"} {
		p.cli([]string{"SWARMCALL_URL="}, "", strings.Fields(line)...)
	}
}

// driveProgram looks at the processes of a driver while it runs: other users of the machine can see them.
func (p *programs) driveProgram() {
	t := p.world.t
	t.Helper()
	drive, err := proctest.Start(p.command(nil, "swarmcall", "drive", "exec", "--driver-id", "exec-1", "--token-file",
		p.file("d"), "--verbose", "--", "sleep", "600"))
	if err != nil {
		t.Fatal(err)
	}
	defer drive.Kill()
	p.eventually(func() bool {
		return drive.Over() || p.do("GET", "/drivers/exec-1", "", "root").StatusCode == http.StatusOK
	})
	p.do("POST", "/commands", `{"command":{"type":"set_players","players":1},"deadline_ms":60000}`, "root")
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		for _, part := range []string{"cmdline", "environ"} {
			if b, err := os.ReadFile(filepath.Join(dir, part)); err == nil { // it may have ended, or be another user's
				p.search("a process, "+part, string(b))
			}
		}
	}
	drive.Signal(os.Interrupt)
	if !drive.EndsWithin(patience) {
		t.Error("the driver does not end")
	}
	p.search("the output of swarmcall drive", drive.Out.String()+drive.Err.String())
}

// sdk runs drivers of the SDK that log everything.
func (p *programs) sdk() {
	t := p.world.t
	t.Helper()
	for _, content := range []string{"{valid}", "{canary}", "{canary}\n{canary}", " {canary} x", "{canary}é", "{url}",
		"{path}"} {
		secret := p.put("a driver of the SDK with " + content)
		var log bytes.Buffer
		cfg := driver.Config{
			URL: p.URL, DriverID: "sdk-1", TokenFile: filepath.Join(t.TempDir(), "token"),
			Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}
		switch content {
		case "{url}":
			cfg.URL = strings.Replace(p.URL, "http://", "http://"+secret+"@", 1)
		case "{path}":
			cfg.TokenFile = secret
		}
		text := strings.NewReplacer("{valid}", p.secret("d"), "{canary}", secret, "{url}",
			p.secret("d")).Replace(content)
		if err := os.WriteFile(cfg.TokenFile, []byte(text), 0o600); err != nil && content != "{path}" {
			t.Fatal(err)
		}
		if content == "{path}" {
			_ = os.Remove(cfg.TokenFile)
		}
		ctx, end := context.WithTimeout(t.Context(), 5*time.Second) // then a driver that retries has logged enough
		cfg.OnConnect = func(driver.Session) { end() }
		ramp := driver.NewRamp(0, func(ctx context.Context) { <-ctx.Done() })
		err := driver.Run(ctx, cfg, ramp)
		ramp.Close()
		end()
		p.search("the error of the SDK", fmt.Sprint(err))
		p.search("the log of the SDK", log.String())
	}
}
