package k6

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"regexp"
	"strings"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
)

const executorName = "externally-controlled"

const wayOut = `k6 2.0 removed the executor externally-controlled and offers no other control of a run. Two options:
  use an older k6               1.8 is the last that has it; give its path with --k6 if another is on the PATH
  load the URL without k6       swarmcall drive http --target URL
See the how-to "From k6 scale": docs/howto/from-k6-scale.md.`

const snippet = `give the script's options only this one scenario, or no scenarios, vus, iterations, duration or stages:
  export const options = { scenarios: { main: {
    executor: 'externally-controlled', vus: 0, maxVUs: 10, duration: '0' } } };`

// checkVersion refuses a k6 that cannot be controlled. printed is the output of `k6 version`.
func checkVersion(printed string) error {
	m := regexp.MustCompile(`\bv(\d+)\.(\d+)\.\d+`).FindStringSubmatch(printed)
	switch {
	case m == nil:
		return &clierr.Error{
			Code: clierr.Usage, What: "cannot determine the version of " +
				"k6", Detail: lines(printed), Hint: "is --k6 the path of k6?",
		}
	case m[1] != "0" && m[1] != "1":
		return &clierr.Error{Code: clierr.Usage, What: fmt.Sprintf("k6 %s does not support live "+
			"control", m[0]), Hint: wayOut}
	}
	return nil
}

// scriptOptions are the options of a script that define its load.
type scriptOptions struct {
	VUs        *int64          `json:"vus"`
	Duration   *string         `json:"duration"`
	Iterations *int64          `json:"iterations"`
	Stages     json.RawMessage `json:"stages"`
	Scenarios  map[string]struct {
		Executor string `json:"executor"`
		VUs      int64  `json:"vus"`
	} `json:"scenarios"`
}

// plan is how to run a script.
type plan struct {
	ownScenario bool // the script has no scenario: the driver adds one
	startsAt    int64
}

// planOf checks a script. printed is the output of `k6 inspect`.
func planOf(printed []byte) (plan, error) {
	var o scriptOptions
	if err := json.Unmarshal(printed, &o); err != nil {
		return plan{}, fmt.Errorf("cannot read what k6 inspect printed: %w", err)
	}
	if len(o.Scenarios) > 0 {
		return planOfScenarios(o)
	}
	if o.VUs != nil || o.Duration != nil || o.Iterations != nil || (len(o.Stages) > 0 && string(o.Stages) != "null") {
		return plan{}, unfit("its options set the load by vus, duration, iterations or stages")
	}
	return plan{ownScenario: true}, nil
}

func planOfScenarios(o scriptOptions) (p plan, err error) {
	if len(o.Scenarios) > 1 {
		return p, unfit(fmt.Sprintf("it has %d scenarios, and k6 can control only one", len(o.Scenarios)))
	}
	for name, s := range o.Scenarios {
		if s.Executor != executorName {
			return p, unfit(fmt.Sprintf("its scenario %q uses the executor %s", name, s.Executor))
		}
		p.startsAt = s.VUs
	}
	return p, nil
}

func unfit(why string) error {
	return &clierr.Error{
		Code: clierr.Usage, What: "the load of this script cannot be changed while it runs", Cause: errors.New(why),
		Hint: snippet,
	}
}

// check finds out how to run the script.
func (o Options) check(ctx context.Context) (plan, error) {
	version, err := o.output(ctx, "version")
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return plan{}, &clierr.Error{Code: clierr.Usage, What: "k6 is not installed", Cause: err,
				Hint: "drive k6 needs an installed k6 1.x, preferably 1.8; if it is not on the PATH, give its path " +
					"with --k6"}
		}
		return plan{}, &clierr.Error{
			Code: clierr.Usage, What: "k6 cannot be run", Cause: err, Detail: lines(string(version)),
		}
	}
	if err := checkVersion(string(version)); err != nil {
		return plan{}, err
	}
	printed, err := o.output(ctx, append(append([]string{"inspect"}, envArgs(o.Args)...), o.Script)...)
	if err != nil {
		return plan{}, &clierr.Error{
			Code: clierr.Usage, What: "k6 cannot read " + o.Script, Cause: err, Detail: failure(err),
		}
	}
	return planOf(printed)
}

func (o Options) output(ctx context.Context, args ...string) ([]byte, error) {
	return proc.Output(ctx, append([]string{o.K6}, args...)...)
}

// envArgs returns the variables among the arguments for k6 run: k6 may need them to read the script.
func envArgs(args []string) (env []string) {
	for i := 0; i < len(args); i++ {
		switch {
		case (args[i] == "-e" || args[i] == "--env") && i+1 < len(args):
			env = append(env, args[i], args[i+1])
			i++
		case strings.HasPrefix(args[i], "--env="), strings.HasPrefix(args[i], "-e="):
			env = append(env, args[i])
		}
	}
	return env
}

func failure(err error) []string {
	if seen, ok := errors.AsType[drive.Evidence](err); ok {
		return seen.Seen()
	}
	return nil
}

// lines returns the last 10 lines of a text.
func lines(text string) []string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return all[max(0, len(all)-10):]
}
