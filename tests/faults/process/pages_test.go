package process_test

import (
	"fmt"
	"sync"
	"testing"
)

// TestPagesUnderAppends reads pages of a submitter's entries while others are appended: newest first, every entry from
// before the first page appears once; oldest first, every entry appears once, in order.
func TestPagesUnderAppends(t *testing.T) {
	_, seed := seeded(t)
	w := newWorld(t, 1)
	f := func(what string) tally { return tally{t: t, what: what, seed: seed} }
	back, ahead := f("pages to the older with a gap or a repeat"), f("pages to the newer with a gap or a repeat")
	h := newHistory()
	// commands appended per turn; without this bound a fast server would append faster than pages are read
	const perTurn = 12
	due := make(chan struct{}, perTurn)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			n := 0
			for range due {
				n++
				c := command{
					submitter: fmt.Sprintf("w-%d", i%2), players: int64(i*1_000_000 + n), prefer: "respond-async",
				}
				h.record(op{writer: i, command: c}, func(o *op) { try(w, o) })
			}
		})
	}
	for turn := range rounds(40, 120) {
		for len(due) < cap(due) {
			due <- struct{}{}
		}
		submitter := []string{"", "w-0", "w-1"}[turn%3]
		before := answered(h, submitter)
		limit := 1 + turn%7
		seen := turnPages(w, "desc", submitter, limit, len(before)/limit+2, &back)
		within := map[uint64]bool{}
		for _, seq := range seen {
			within[seq] = true
		}
		for _, seq := range before {
			back.trial(within[seq] || seq < seen[len(seen)-1], "turn %d: %d was answered before and is on no page",
				turn, seq)
		}
		turnPages(w, "asc", submitter, 100+limit, 1000, &ahead)
	}
	close(due)
	all.Wait()
	for _, submitter := range []string{"", "w-0", "w-1"} {
		want, got := answered(h, submitter), turnPages(w, "asc", submitter, 7, 1_000_000, &ahead)
		ahead.trial(len(want) == len(got), "%q: %d entries were answered, %d are on the pages", submitter, len(want),
			len(got))
	}
	back.report()
	ahead.report()
	t.Logf("entries appended meanwhile: %d", h.len())
}

// answered are the entries of a submitter, or of all, that were answered so far.
func answered(h *history, submitter string) (seqs []uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range h.ops {
		if o.answer.accepted() && (submitter == "" || submitter == o.command.submitter) {
			seqs = append(seqs, o.answer.entry.Seq)
		}
	}
	return seqs
}

// turnPages reads up to most pages, and checks that seqs only fall or only rise.
func turnPages(w *world, order, submitter string, limit, most int, c *tally) (seqs []uint64) {
	w.t.Helper()
	query := fmt.Sprintf("/commands?order=%s&limit=%d&submitter=%s", order, limit, submitter)
	if submitter == "" {
		query = fmt.Sprintf("/commands?order=%s&limit=%d", order, limit)
	}
	path := query
	for range most {
		var p page
		if err := w.client.get(w.t.Context(), path, &p); err != nil {
			w.t.Fatal(err)
		}
		ok := true
		for _, e := range p.Items {
			if n := len(seqs); n > 0 && (e.Seq > seqs[n-1]) != (order == "asc") {
				ok = false
			}
			ok = ok && (submitter == "" || e.Submitter == submitter)
			seqs = append(seqs, e.Seq)
		}
		c.trial(ok, "%s: %v", path, seqs)
		if p.Next == nil {
			break
		}
		path = query + "&cursor=" + *p.Next
	}
	return seqs
}
