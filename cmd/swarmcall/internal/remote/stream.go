package remote

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// Event is one event of GET /commands/stream.
type Event struct {
	ID   string // log position
	Name string // issued, closed, late, reset, gap
	Data string // JSON
}

// maxLine bounds a line of a stream: an outcome of twenty thousand drivers fits.
const maxLine = 16 << 20

// Watch passes every event of the log to each, from after on ("" starts now). It reconnects when the stream is
// interrupted, until ctx ends, each fails, or the server is unavailable for longer than patience. It calls opened when
// it is connected: from then on no event is missed.
func (c *Client) Watch(ctx context.Context, submitter, after string, opened func(), each func(Event) error) error {
	s := &stream{c: c, submitter: submitter, last: after, opened: opened, each: each}
	lost := time.Time{}
	for attempt := 0; ; attempt++ {
		before := s.seen
		err := s.connect(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case s.handled != nil:
			return s.handled
		case s.seen > before || lost.IsZero():
			lost, attempt = time.Now(), 0
		}
		wait := backOff(attempt)
		code := clierr.CodeOf(err)
		if code != clierr.Unreachable || c.doer.hopeless(err) || time.Since(lost)+wait > c.doer.patience.For {
			return err
		}
		if c.doer.patience.Note != nil {
			c.doer.patience.Note(cutBy(err), wait)
		}
		if !Sleep(ctx, wait) {
			return nil
		}
	}
}

// cutBy describes why a stream has to be opened again.
func cutBy(err error) string {
	if f, ok := errors.AsType[foreignAnswer](err); ok {
		return f.Error()
	}
	return "the stream was interrupted"
}

type stream struct {
	c         *Client
	submitter string
	last      string // id of the newest event
	seen      int
	opened    func()
	each      func(Event) error
	handled   error // the error of each
}

// connect reads one connection of the stream to its end, which is always an error.
func (s *stream) connect(ctx context.Context) error {
	q := url.Values{}
	setNonZero(q, "submitter", s.submitter)
	setNonZero(q, "after", s.last)
	var e Event
	err := s.c.lines(ctx, "watch the commands", "/commands/stream?"+q.Encode(), "text/event-stream", s.opened,
		func(line []byte) error {
			if len(line) > 0 {
				e.field(string(line))
				return nil
			}
			if e.ID != "" {
				s.last = e.ID
			}
			s.seen++
			done := e
			e = Event{}
			if done.Name == "" || done.Name == "ping" || done.Data == "" {
				return nil
			}
			s.handled = s.each(done)
			return s.handled
		})
	if err == nil {
		err = &clierr.Error{
			Code: clierr.Unreachable, What: "the server ended the stream",
			Hint: "resume where it stopped: --after " + s.last,
		}
	}
	return err
}

// field parses one line of an event.
func (e *Event) field(line string) {
	name, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch name {
	case "id":
		e.ID = value
	case "event":
		e.Name = value
	case "data":
		if e.Data != "" {
			e.Data += "\n"
		}
		e.Data += value
	}
}

// lines reads an endless answer line by line, after it has called opened. It does not retry: only the caller knows how
// far it got.
func (c *Client) lines(ctx context.Context, what, path, accept string, opened func(), each func([]byte) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// the headers come at once, the lines at any time
	late := time.AfterFunc(answerLimit, func() { cancel(silent{answerLimit}) })
	defer late.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, http.NoBody)
	if err != nil {
		return err
	}
	for name, values := range c.doer.header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", accept)
	heard := c.doer.watch(0)
	resp, err := c.doer.http.Do(req)
	late.Stop()
	heard()
	if err != nil {
		if gaveUp, ok := errors.AsType[silent](context.Cause(ctx)); ok {
			err = gaveUp
		}
		return c.unreachable(what, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return c.refusedStream(what, resp)
	}
	if resp.StatusCode == http.StatusOK && mediaType(resp) != accept {
		return c.stranger(what, foreignAnswer{status: resp.StatusCode, what: describe(resp, -1)})
	}
	c.doer.answered.Store(true)
	opened()
	s := bufio.NewScanner(resp.Body)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	for s.Scan() {
		if err := each(s.Bytes()); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil && !errors.Is(err, context.Canceled) {
		return c.unreachable(what, err)
	}
	return nil
}

// refusedStream is the error of an answer that is not a stream.
func (c *Client) refusedStream(what string, resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	switch {
	case err != nil:
		return c.unreachable(what, err)
	case !isProblem(resp, body):
		return c.stranger(what, foreignAnswer{status: resp.StatusCode, what: describe(resp, len(body))})
	}
	return c.refused(what, resp, body)
}

func setNonZero(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

func setPosition(q url.Values, name string, value int64) {
	if value != 0 {
		q.Set(name, strconv.FormatInt(value, 10))
	}
}
