// Package drivetest has checks that the tests of all generators share.
package drivetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive"
	"github.com/swarmcall/swarmcall/driver"
)

// patience is how long a test waits for anything: the machine may be busy.
const patience = 2 * time.Minute

// Applied fails unless g applies c.
func Applied(t testing.TB, g drive.Generator, c driver.Command) {
	t.Helper()
	if err := g.Apply(t.Context(), c); err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
}

// EventuallyApplied waits until g applies c: a program may take longer to start than a command waits.
func EventuallyApplied(t testing.TB, g drive.Generator, c driver.Command) {
	t.Helper()
	var err error
	Eventually(t, "the program answers", func() bool { err = g.Apply(t.Context(), c); return err == nil })
}

// Rejected fails unless g rejects c with this code, and a detail that contains this text.
func Rejected(t testing.TB, g drive.Generator, c driver.Command, code, detail string) {
	t.Helper()
	r, ok := errors.AsType[*driver.Rejection](g.Apply(t.Context(), c))
	if !ok || r.Code != code || !strings.Contains(r.Detail, detail) {
		t.Fatalf("%+v: %+v, want %s with %q", c, r, code, detail)
	}
}

// Eventually waits until the condition holds.
func Eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if !drive.Until(ctx, time.Millisecond, so) {
		t.Fatalf("not in time: %s", what)
	}
}
