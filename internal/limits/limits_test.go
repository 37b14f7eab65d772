package limits

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/command"
)

func budgets(t *testing.T, l Limits) *Budgets {
	t.Helper()
	b, err := New(l)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAFloodOfCommandsLeavesTheStops: the command budget of a principal has no part in its Stops, nor the other way.
func TestAFloodOfCommandsLeavesTheStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budgets(t, Defaults())
		count := func(kind command.Type, asked int) (n int) {
			for range asked {
				if _, ok := b.Command("ci", kind); ok {
					n++
				}
			}
			return n
		}
		if n := count(command.SetPlayers, 10_000); n != 2000 {
			t.Errorf("%d commands were allowed", n)
		}
		if n := count(command.Stop, 10_000); n != 200 {
			t.Errorf("%d Stops were allowed", n)
		}
		<-time.After(time.Second)
		if n := count(command.Stop, 10_000); n != 100 {
			t.Errorf("%d Stops were allowed after a second", n)
		}
		if n := count(command.SetSpawnDelay, 10_000); n != 1000 {
			t.Errorf("%d commands were allowed after a second", n)
		}
		if wait, ok := b.Command("ci", command.SetPlayers); ok || wait > time.Millisecond+2 {
			t.Errorf("the next command may come in %v, %v", wait, ok)
		}
		if _, ok := b.Command("other", command.SetPlayers); !ok {
			t.Error("another principal is refused")
		}
	})
}

func TestStrangersAreCountedByAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budgets(t, Defaults())
		n := 0
		for i := range 1000 { // ports, and addresses within a /64, are no other address
			if _, ok := b.Stranger(fmt.Sprintf("[2001:db8:1:2::%x]:%d", i, 1024+i)); ok {
				n++
			}
		}
		if n != 100 {
			t.Errorf("%d were allowed", n)
		}
		wait, ok := b.Stranger("2001:db8:1:2::")
		if ok || wait > 50*time.Millisecond+2 {
			t.Errorf("the next may come in %v, %v", wait, ok)
		}
		for _, addr := range []string{"[2001:db8:1:3::1]:1", "192.0.2.1:1", "unix"} {
			if _, ok := b.Stranger(addr); !ok {
				t.Errorf("%s is refused", addr)
			}
		}
	})
}

func TestNoBudgetsAndZeroLimitsLimitNothing(t *testing.T) {
	var none *Budgets
	for _, b := range []*Budgets{none, budgets(t, Limits{})} {
		for range 10_000 {
			_, command := b.Command("ci", command.SetPlayers)
			_, stranger := b.Stranger("192.0.2.1")
			if !command || !stranger {
				t.Fatal("refused")
			}
		}
	}
}

func TestValidate(t *testing.T) {
	if err := Defaults().Validate(); err != nil {
		t.Error(err)
	}
	for want, l := range map[string]Limits{
		"rate of commands":   {Commands: Rate{PerSecond: -1, Burst: 1}},
		"rate of stops":      {Stops: Rate{PerSecond: math.NaN(), Burst: 1}},
		"rate of strangers":  {Strangers: Rate{PerSecond: math.Inf(1), Burst: 1}},
		"burst of frames":    {Frames: Rate{PerSecond: 1}},
		"number of drivers":  {MaxDrivers: -1},
		"number of streams":  {MaxStreams: -1},
		"number of remember": {MaxKeys: -1},
	} {
		if _, err := New(l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error about the %s", err, want)
		}
	}
}
