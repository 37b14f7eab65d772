package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// place is where a page has ended: what is before this byte of this file comes next.
type place struct {
	gen uint64
	end int64
}

var errCursor = swarm.Errorf(swarm.CodeBadRequest, "the cursor is not one of this list, or the events after it have "+
	"been deleted because newer ones needed the space; start again without a cursor")

func (p place) cursor() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "audit:%d:%d", p.gen, p.end))
}

func parse(cursor string) (p place, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return place{}, errCursor
	}
	_, err = fmt.Sscanf(string(b), "audit:%d:%d", &p.gen, &p.end)
	if err != nil || p.end < 0 || p.cursor() != cursor { // a place has one cursor only
		return place{}, errCursor
	}
	return p, nil
}

// Page returns at most limit events, the last written first, and the cursor of the next page, "" if there is none. A
// cursor that is not from such a page, or whose events have been deleted, is a swarm.Error of CodeBadRequest. Events
// that were recorded a moment ago may not be written yet.
func (l *Log) Page(cursor string, limit int) (events []Event, next string, err error) {
	gens, end := l.files.newestFirst(), int64(-1)
	if cursor != "" {
		from, err := parse(cursor)
		if err != nil {
			return nil, "", err
		}
		i := slices.Index(gens, from.gen)
		if i < 0 {
			return nil, "", errCursor
		}
		gens, end = gens[i:], from.end
	}
	p := page{limit: max(limit, 1)}
	for _, gen := range gens {
		if err := p.add(l.files, gen, end); err != nil {
			return nil, "", err
		}
		if p.more {
			return p.events, p.last.cursor(), nil
		}
		end = -1
	}
	return p.events, "", nil
}

type page struct {
	limit  int
	events []Event
	last   place // where the last event begins
	more   bool  // there is an event that is no longer in the page
}

// add adds the events of one file that are before end; -1 is its end.
func (p *page) add(f *files, gen uint64, end int64) error {
	r, size, err := f.reader(gen)
	switch {
	case errors.Is(err, fs.ErrNotExist) && end >= 0:
		return errCursor
	case errors.Is(err, fs.ErrNotExist): // deleted since the generations were listed, or before its first event
		return nil
	case err != nil:
		return err
	}
	defer func() { _ = r.Close() }() // it was only read
	switch {
	case end < 0:
		end = size
	case !lineEndsAt(r, end, size):
		return errCursor
	}
	return p.read(&backwards{r: r, pos: end}, gen)
}

func (p *page) read(lines *backwards, gen uint64) error {
	for {
		b, start, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		e, err := decode(b)
		if err != nil {
			continue // what is no event was not written by this package
		}
		if len(p.events) == p.limit {
			p.more = true
			return nil
		}
		p.events, p.last = append(p.events, e), place{gen, start}
	}
}

func lineEndsAt(r *os.File, end, size int64) bool {
	if end == 0 || end > size {
		return end == 0
	}
	var b [1]byte
	_, err := r.ReadAt(b[:], end-1)
	return err == nil && b[0] == '\n'
}
