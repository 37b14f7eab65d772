package cmdlog

import "sync"

const (
	mostRecent      = 10_000   // records
	mostRecentBytes = 16 << 20 // of them
)

// recent holds the newest records of a shared log as they are stored, so that first pages and late readers need no
// request.
type recent struct {
	mu    sync.RWMutex
	first uint64 // position of list[0]
	last  uint64 // the newest position that was added
	list  [][]byte
	bytes int
}

// add adds the record at a position, which follows the one before.
func (r *recent) add(pos uint64, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) == 0 {
		r.first = pos
	}
	r.list, r.last = append(r.list, data), pos
	r.bytes += len(data)
	for len(r.list) > 1 && (len(r.list) > mostRecent || r.bytes > mostRecentBytes) {
		r.bytes -= len(r.list[0])
		r.list[0] = nil
		r.list, r.first = r.list[1:], r.first+1
	}
}

// seen reports whether a position was added, although it may have been dropped since.
func (r *recent) seen(pos uint64) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return pos <= r.last
}

func (r *recent) get(pos uint64) ([]byte, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if pos < r.first || pos-r.first >= uint64(len(r.list)) {
		return nil, false
	}
	return r.list[pos-r.first], true
}
