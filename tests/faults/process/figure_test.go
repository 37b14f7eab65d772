package process_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// soak is set by `make soak`: then every count is the full one.
var soak = os.Getenv("SWARMCALL_SOAK") == "1"

// rounds returns how often a fault is injected.
func rounds(few, all int) int {
	if soak {
		return all
	}
	return few
}

// need ends a test whose tool is absent.
func need(t *testing.T, absent error, tool string) {
	t.Helper()
	if absent != nil {
		testenv.SkipOrFail(t, "%s is needed: %v", tool, absent)
	}
}

// seeded returns a source of chance and its seed. SWARMCALL_SEED repeats a run as far as the machine lets it.
func seeded(t *testing.T) (*rand.Rand, uint64) {
	t.Helper()
	seed := uint64(time.Now().UnixNano()) % 1_000_000_007
	if given := os.Getenv("SWARMCALL_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return rand.New(rand.NewPCG(seed, 0)), seed
}

// tally counts trials and what went wrong in them. It is safe for concurrent use.
type tally struct {
	t    *testing.T
	what string
	seed uint64

	mu            sync.Mutex
	trials, wrong int
}

func (c *tally) trial(ok bool, format string, args ...any) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trials++
	if ok {
		return
	}
	if c.wrong++; c.wrong <= 10 {
		c.t.Errorf(format, args...)
	}
}

// report prints the figure. With no violation in n trials, the rate of violations is below 3/n with 95% confidence. A
// test without trials proves nothing, and fails.
func (c *tally) report() {
	c.t.Helper()
	bound := ""
	if c.wrong == 0 {
		bound = fmt.Sprintf(" (95%% bound %.2g)", min(1, 3/float64(max(1, c.trials))))
	}
	if c.trials == 0 {
		c.t.Errorf("%s: not one trial", c.what)
	}
	c.t.Logf("%s: violations %d of %d%s, seed %d", c.what, c.wrong, c.trials, bound, c.seed)
}

// eventually polls until the condition holds.
func eventually(t *testing.T, patience time.Duration, what string, condition func() bool) {
	t.Helper()
	if !within(patience, condition) {
		t.Fatalf("not within %v: %s", patience, what)
	}
}

func within(patience time.Duration, condition func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !condition(); {
		select {
		case <-tick.C:
		case <-deadline:
			return condition()
		}
	}
	return true
}
