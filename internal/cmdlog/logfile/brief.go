package logfile

import (
	"bytes"

	"github.com/go-json-experiment/json"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// A page of entries shows the beginning of each list and counts the rest. Decoding an entry of a large swarm is almost
// entirely decoding the names of its targets and their latencies. So these arrays are cut out of the body, the rest is
// decoded without them, and the names that are shown are picked from the bytes. This relies on the order and the form
// in which encodeBody writes fields. If a record has another form, or is damaged, nothing is cut: the complete record
// is decoded, with its errors.

// DecodeBrief reads an entry from its stored records with at most this many elements of each list, and with Totals.
// closed is nil while the entry is open; the caller adds late answers. ok is false if the records must be decoded
// completely.
func (c *Codec) DecodeBrief(seq uint64, issued []byte, closedAt uint64, closed []byte, most int) (swarm.Entry, bool) {
	e := swarm.Entry{Seq: seq}
	i, ok := c.briefIssued(seq, issued)
	if !ok {
		return e, false
	}
	e.Issued, e.Totals = i.record, &swarm.Totals{LeftOut: len(i.record.LeftOut),
		Counts: swarm.Counts{Targeted: i.targets}}
	e.Issued.LeftOut = e.Issued.LeftOut[:min(most, len(e.Issued.LeftOut))]
	var keep kept
	if e.Issued.Command.Total {
		e.Totals.Shortfall = e.Issued.Shortfall()
		keep.first = min(most, i.targets)
	}
	if closed != nil {
		if e.Closed, ok = c.briefClosed(closedAt, closed, most, i.targets, &keep, &e.Totals.Counts); !ok {
			return e, false
		}
	} else {
		for at := range keep.first {
			keep.at = append(keep.at, at)
		}
	}
	e.Issued.Targets, ok = pick(i.names, keep.at)
	if e.Issued.Command.Total {
		e.Issued.Split = pickFrom(e.Issued.Split, keep.at)
	}
	return e, ok
}

// kept says which targets of an entry are kept, by index.
type kept struct {
	first int // this many of the first targets are kept, whatever their verdict
	at    []int
}

// briefBody is a body without the array of its targets.
type briefBody struct {
	record  *swarm.Issued // without targets
	names   []byte        // the elements of that array
	targets int
}

func (c *Codec) briefIssued(pos uint64, b []byte) (i briefBody, ok bool) {
	s, err := c.open(pos, b)
	if err != nil || s.kind != kindIssued {
		return i, false
	}
	body, names, ok := cutArray(s.body, `"targets":[`, `],"deadline_ms":`)
	if !ok || bytes.IndexByte(names, '\\') >= 0 {
		return i, false
	}
	var v issuedBody
	if json.Unmarshal(body, &v, json.RejectUnknownMembers(true)) != nil {
		return i, false
	}
	i.names, i.targets = names, bytes.Count(names, []byte(`"`))/2
	split := v.Split
	if len(split) > 0 {
		if len(split) != i.targets {
			return i, false
		}
		v.Split = split[:0] // unpackIssued compares its length with that of the targets, which were cut out
	}
	r, err := unpackIssued(&v)
	if err != nil {
		return i, false
	}
	i.record = r.(*swarm.Issued)
	i.record.Split = split
	return i, true
}

// briefClosed reads an outcome of this many targets, counts its verdicts into n and keeps those that are shown.
func (c *Codec) briefClosed(
	pos uint64, b []byte, most, targets int, keep *kept, n *swarm.Counts,
) (*swarm.Closed, bool) {
	s, err := c.open(pos, b)
	if err != nil || s.kind != kindClosed {
		return nil, false
	}
	body := s.body
	if !bytes.Contains(body, []byte(`"rejections":[`)) { // no latency is shown
		body, _, _ = cutArray(body, `"latency_us":[`, `]`)
	}
	var v closedBody
	if json.Unmarshal(body, &v, json.RejectUnknownMembers(true)) != nil || len(v.Kinds) != targets {
		return nil, false
	}
	return v.brief(most, keep, n)
}

// brief is like unpackClosed, but returns only the verdicts that are shown.
func (b *closedBody) brief(most int, keep *kept, n *swarm.Counts) (*swarm.Closed, bool) {
	shown := shownKinds(b.Kinds, most, keep.first, n)
	keep.at = shown
	if n.Acked+n.Rejected+n.Superseded+n.Missing != len(b.Kinds) {
		return nil, false // a letter that this program does not know
	}
	r := &swarm.Closed{Seq: b.Seq, Node: b.Node, ClosedAt: micros(b.ClosedUS), Duration: micro(b.DurationUS)}
	latency, words, reasons := column[int64](b.LatencyUS), column[wordBody](b.Rejections), column[int](b.Reasons)
	timed, ok := n.Rejected > 0, true
	for at := range len(b.Kinds) {
		var v swarm.Verdict
		switch b.Kinds[at] {
		case 'a':
			v.Kind = swarm.Acked
			if timed {
				v.Latency = micro(latency.next(&ok))
			}
		case 'r':
			w := words.next(&ok)
			v.Kind, v.Latency, v.Code, v.Detail = swarm.Rejected, micro(latency.next(&ok)), w.Code, w.Detail
		case 's':
			v.Kind = swarm.Superseded
		case 'm':
			reason := reasons.next(&ok)
			if !ok || reason < 0 || reason >= len(swarm.Reasons()) {
				return nil, false
			}
			v.Kind, v.Reason = swarm.Missing, swarm.Reasons()[reason]
		}
		if len(shown) > 0 && shown[0] == at {
			r.Verdicts, shown = append(r.Verdicts, v), shown[1:]
		}
	}
	return r, ok
}

// shownKinds counts the letters, and returns the indexes of those that are shown: up to most of each kind except acked,
// and the first targets of any kind.
func shownKinds(kinds string, most, first int, n *swarm.Counts) (at []int) {
	for i := range len(kinds) {
		count := &n.Acked
		switch kinds[i] {
		case 'a':
		case 'r':
			count = &n.Rejected
		case 's':
			count = &n.Superseded
		case 'm':
			count = &n.Missing
		default:
			continue
		}
		*count++
		if i < first || count != &n.Acked && *count <= most {
			at = append(at, i)
		}
	}
	return at
}

// cutArray cuts the elements of an array out of a body. The two marks cannot occur within a text: in a text, each
// quotation mark follows a backslash.
func cutArray(body []byte, begin, end string) (rest, elements []byte, ok bool) {
	from := bytes.Index(body, []byte(begin))
	if from < 0 {
		return body, nil, false
	}
	from += len(begin)
	n := bytes.Index(body[from:], []byte(end))
	if n < 0 {
		return body, nil, false
	}
	rest = append(append(make([]byte, 0, len(body)-n), body[:from]...), body[from+n:]...)
	return rest, body[from : from+n], true
}

// pick returns the texts at some indexes of the elements of an array without escapes.
func pick(elements []byte, places []int) (out []string, ok bool) {
	for at := 0; len(out) < len(places); at++ {
		if len(elements) < 2 || elements[0] != '"' {
			return nil, false
		}
		end := bytes.IndexByte(elements[1:], '"')
		if end < 0 {
			return nil, false
		}
		if at == places[len(out)] {
			out = append(out, string(elements[1:1+end]))
		}
		elements = bytes.TrimPrefix(elements[end+2:], []byte(","))
	}
	return out, true
}

func pickFrom[T any](list []T, places []int) []T {
	out := make([]T, len(places))
	for i, at := range places {
		out[i] = list[at]
	}
	return out
}
