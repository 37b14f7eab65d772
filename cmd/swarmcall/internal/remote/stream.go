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
// interrupted, to the next server if there are several, until ctx ends, each fails, or the server is unavailable for
// longer than patience. It calls opened when it is connected: from then on no event is missed.
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
		if code != clierr.Unreachable || hopeless(err) || time.Since(lost)+wait > c.doer.patience.For {
			return err
		}
		if c.doer.patience.Note != nil {
			c.doer.patience.Note(s.cutBy(err), wait)
		}
		if !Sleep(ctx, wait) {
			return nil
		}
	}
}

// cutBy describes why a stream has to be opened again. Of several servers it names the one that the stream came from.
func (s *stream) cutBy(err error) string {
	if f, ok := errors.AsType[foreignAnswer](err); ok {
		return f.Error()
	}
	const cut = "the stream was interrupted"
	if all := s.c.doer.servers; all.several() && s.at >= 0 {
		return Mask(all.all[s.at].base) + ": " + cut
	}
	return cut
}

type stream struct {
	c         *Client
	submitter string
	last      string // id of the newest event
	seen      int
	at        int // the server of the last connection, -1 if none could be opened
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
	var err error
	s.at, err = s.c.lines(ctx, "watch the commands", "/commands/stream?"+q.Encode(), "text/event-stream", s.opened,
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
	s.c.doer.servers.leave(s.at)
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

// lines reads an endless answer line by line, after it has called opened. It tries each server once to open it, and
// does not retry after that: only the caller knows how far it got. It returns which server it has read from, -1 for
// none.
func (c *Client) lines(
	ctx context.Context, what, path, accept string, opened func(), each func([]byte) error,
) (at int, _ error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, http.NoBody)
	if err != nil {
		return -1, err
	}
	patience := Patience{Note: c.doer.patience.Note}
	resp, t, failed := c.doer.send(req, c.doer.opener(accept), patience) //nolint:bodyclose // it is closed below
	resp, err = answerOf(resp, failed)
	if err != nil {
		return -1, c.unanswered(what, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return -1, c.unreachable(what, err)
		}
		return -1, c.refused(what, resp, body, failuresOf(failed))
	}
	opened()
	s := bufio.NewScanner(resp.Body)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	for s.Scan() {
		if err := each(s.Bytes()); err != nil {
			return t.at, err
		}
	}
	if err := s.Err(); err != nil && !errors.Is(err, context.Canceled) {
		return t.at, c.unreachable(what, t.cut(err))
	}
	return t.at, nil
}

// opener returns a function that sends a request for an endless answer of this type, and returns when it begins: the
// headers come at once, the lines at any time. A refusal is read to its end.
func (d *doer) opener(accept string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		ctx, cancel := context.WithCancelCause(req.Context())
		late := time.AfterFunc(answerLimit, func() { cancel(silent{answerLimit}) })
		defer late.Stop()
		req = req.Clone(ctx)
		req.Header.Set("Accept", accept)
		heard := d.watch(0)
		resp, err := d.http.Do(req)
		heard()
		if err != nil {
			if gaveUp, ok := errors.AsType[silent](context.Cause(ctx)); ok {
				err = gaveUp
			}
			cancel(nil)
			return nil, err
		}
		if resp.StatusCode == http.StatusOK && mediaType(resp) == accept {
			resp.Body = endless{resp.Body, cancel}
			return resp, nil
		}
		defer cancel(nil)
		defer func() { _ = resp.Body.Close() }()
		return refusedStream(resp)
	}
}

// endless is the body of an answer whose request ends when it is closed.
type endless struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (e endless) Close() error {
	e.cancel(nil)
	return e.ReadCloser.Close()
}

// refusedStream reads an answer that is not a stream.
func refusedStream(resp *http.Response) (*http.Response, error) {
	if resp.StatusCode == http.StatusOK {
		return nil, foreignAnswer{status: resp.StatusCode, what: describe(resp, -1)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, err
	}
	if !isProblem(resp, body) {
		return nil, foreignAnswer{status: resp.StatusCode, what: describe(resp, len(body))}
	}
	return inMemory(resp, body), nil
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
