package web

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// newestFails is a log of one entry that cannot be read at first, and a feed in which nothing happens after it.
type newestFails struct {
	Log
	failures int
}

func (l *newestFails) Page(context.Context, swarm.Query) (swarm.Page, error) {
	if l.failures--; l.failures >= 0 {
		return swarm.Page{}, errors.New("the disk is busy")
	}
	return swarm.Page{Entries: []swarm.Entry{{Seq: 7, Issued: &swarm.Issued{}}}}, nil
}

func (*newestFails) Last() uint64 { return 7 }

func (*newestFails) After(ctx context.Context, _ uint64) ([]*swarm.Event, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestRecentIsReadAgain: the newest entries are read until that succeeds, because the feed does not contain earlier
// records.
func TestRecentIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &newestFails{failures: 2}
		r := newRecent(log, log, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go r.follow(ctx)
		synctest.Wait()
		if _, _, err := r.now(); err == nil {
			t.Error("it does not say that the log cannot be read")
		}
		<-time.After(3 * time.Second)
		synctest.Wait()
		if entries, _, err := r.now(); err != nil || len(entries) != 1 || entries[0].Seq != 7 {
			t.Errorf("it has %v, %v", entries, err)
		}
	})
}
