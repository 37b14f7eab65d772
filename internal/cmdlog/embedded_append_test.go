package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// brittle is a store whose answers may get lost.
type brittle struct {
	store
	publishes int
	publishFn func(n int, publish func() error) error
	stateErr  error
	forgetful bool // the engine does not know of the last record
}

func (b *brittle) write(ctx context.Context, record []byte, last uint64) error {
	b.publishes++
	return b.publishFn(b.publishes, func() error { return b.store.write(ctx, record, last) })
}

func (b *brittle) state(ctx context.Context) (state, error) {
	if b.stateErr != nil {
		return state{}, b.stateErr
	}
	s, err := b.store.state(ctx)
	if b.forgetful {
		s.last--
	}
	return s, err
}

var errLost = errors.New("the answer was lost")

// TestAnAmbiguousAppend: whatever happens to the answer, the log reports stored if it is, not stored if it is not, and
// accepts nothing from then on if it cannot tell.
func TestAnAmbiguousAppend(t *testing.T) {
	lost := func(n int, publish func() error) error {
		if n > 1 {
			return publish()
		}
		return errors.Join(errLost, publish())
	}
	never := func(n int, publish func() error) error {
		if n > 1 {
			return publish()
		}
		return errLost
	}
	half := func(n int, publish func() error) error {
		if n == 2 {
			return errLost
		}
		return publish()
	}
	secondNever := func(n int, publish func() error) error {
		if n > 1 {
			return errLost
		}
		return publish()
	}
	broken := func(int, func() error) error {
		return &apiError{jetstream.APIError{Code: 503, ErrorCode: codeStoreFailed, Description: "input/output error"}}
	}
	for name, tc := range map[string]struct {
		records int
		publish func(int, func() error) error
		state   error
		forgets bool
		stored  bool
		stuck   bool
	}{
		"answer lost":                     {1, lost, nil, false, true, false},
		"answer to one of several lost":   {3, lost, nil, false, true, false},
		"never sent":                      {1, never, nil, false, false, false},
		"first of several never sent":     {3, never, nil, false, false, false},
		"second of several never sent":    {3, half, nil, false, true, false},
		"lost, and the end is not known":  {1, lost, errors.New("no answer"), false, false, true},
		"the second never goes":           {3, secondNever, nil, false, false, true},
		"in the files, not in the engine": {1, lost, nil, true, false, true},
		"the disk failed":                 {1, broken, nil, false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, t.TempDir())
			defer shut(t, l)
			l.local.store = &brittle{store: l.local, publishFn: tc.publish, stateErr: tc.state, forgetful: tc.forgets}
			records := make([]swarm.Record, tc.records)
			for i := range records {
				records[i] = swarmtest.Issued(fmt.Sprint(i), "a")
			}
			before := l.Last()
			first, err := l.Append(t.Context(), l.Last(), records)
			if (err == nil) != tc.stored || (err != nil && swarm.CodeOf(err) != swarm.CodeLogUnavailable) {
				t.Fatalf("append: %d, %v; stored should be %v", first, err, tc.stored)
			}
			if tc.stored != (l.Last() == before+uint64(tc.records)) {
				t.Errorf("the log ends at %d, was %d", l.Last(), before)
			}
			then(t, l, tc.stuck)
		})
	}
}

// then appends once more: a failed log must refuse and give the reason, any other log must continue.
func then(t *testing.T, l *Log, stuck bool) {
	t.Helper()
	want := l.Last() + 1
	first, err := l.Append(t.Context(), l.Last(), []swarm.Record{swarmtest.Stop("ci", "a")})
	if !stuck {
		if err != nil || first != want {
			t.Errorf("the next append: %d, %v; want %d", first, err, want)
		}
		return
	}
	if err == nil || l.Check(t.Context()) == nil {
		t.Errorf("a log that does not know its end took a record at %d", first)
	}
	select {
	case err := <-l.Failed():
		if !strings.Contains(err.Error(), "log") {
			t.Errorf("Failed reports %v", err)
		}
	default:
		t.Error("Failed does not report it")
	}
}

type apiError struct{ api jetstream.APIError }

func (e *apiError) Error() string                 { return e.api.Description }
func (e *apiError) APIError() *jetstream.APIError { return &e.api }
