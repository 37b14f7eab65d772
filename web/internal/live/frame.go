package live

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// gap is the part of a topic that a viewer has not received: all changes after a revision.
type gap struct {
	topic *topic
	after uint64
}

// eventFor returns the events that fill the gaps, or nil if nothing changed there. They are encoded once for all
// viewers with the same gaps: a thousand copies would keep the garbage collector busy, and its pauses delay commands.
// The hub must be locked.
func (h *Hub) eventFor(gaps []gap) []byte {
	var space [256]byte // with few topics, the key is not allocated
	key := space[:0]
	for _, g := range gaps {
		key = strconv.AppendUint(strconv.AppendQuote(key, g.topic.name), g.after, 10)
	}
	event, known := h.events[string(key)]
	if known {
		return event
	}
	var frames [][]byte
	for _, g := range gaps {
		if f := g.topic.frame(g.after); f != nil {
			frames = append(frames, f)
		}
	}
	event = events(frames, h.id(h.rev))
	h.events[string(key)] = event
	return event
}

// events puts the id on the last event only: a viewer that disconnects earlier resumes from before the first event.
func events(frames [][]byte, id string) []byte {
	var b bytes.Buffer
	for i, f := range frames {
		if i == len(frames)-1 {
			b.WriteString("id: " + id + "\n")
		}
		b.WriteString("event: patch\ndata: ")
		b.Write(f)
		b.WriteString("\n\n")
	}
	return b.Bytes()
}

// frame returns what changed since cursor as the data of one event, or nil.
func (t *topic) frame(cursor uint64) []byte {
	var b bytes.Buffer
	b.WriteString(`{"topic":`)
	b.Write(jsonString(t.name))
	empty := b.Len()
	t.encodeGone(&b, cursor)
	t.encodeParts(&b, cursor)
	t.encodeLists(&b, cursor)
	t.encodeItems(&b, cursor)
	if b.Len() == empty {
		return nil
	}
	b.WriteByte('}')
	return b.Bytes()
}

// encodeGone writes since when the page does not exist, in milliseconds; 0 when it exists again.
func (t *topic) encodeGone(b *bytes.Buffer, cursor uint64) {
	if t.gone.rev <= cursor {
		return
	}
	var ms int64
	if !t.gone.since.IsZero() {
		ms = t.gone.since.UnixMilli()
	}
	b.WriteString(`,"gone":`)
	b.Write(strconv.AppendInt(nil, ms, 10))
}

func (t *topic) encodeParts(b *bytes.Buffer, cursor uint64) {
	s := seqOf(b, `,"parts":[`)
	for _, id := range t.order {
		if p := t.parts[id]; p.rev > cursor {
			s.add(p.json)
		}
	}
	s.end()
}

func (t *topic) encodeLists(b *bytes.Buffer, cursor uint64) {
	s := seqOf(b, `,"lists":[`)
	for id, l := range t.lists {
		if data := l.encode(id, cursor); data != nil {
			s.add(data)
		}
	}
	s.end()
}

func (t *topic) encodeItems(b *bytes.Buffer, cursor uint64) {
	s := seqOf(b, `,"items":[`)
	for _, i := range t.items {
		if i.rev > cursor {
			s.add(i.json)
		}
	}
	s.end()
}

// encode writes the order only if it changed, and only the rows that changed.
func (l *list) encode(id string, cursor uint64) []byte {
	var b bytes.Buffer
	b.WriteString(`{"id":`)
	b.Write(jsonString(id))
	empty := b.Len()
	if l.orderRev > cursor {
		order, err := json.Marshal(l.order)
		if err == nil { // strings always encode
			b.WriteString(`,"order":`)
			b.Write(order)
		}
	}
	s := seqOf(&b, `,"rows":[`)
	for _, row := range l.order {
		if v := l.rows[row]; v != nil && v.rev > cursor {
			s.add(v.json)
		}
	}
	s.end()
	if b.Len() == empty {
		return nil
	}
	b.WriteByte('}')
	return b.Bytes()
}

// seq writes members with commas between them, and nothing at all when there are none.
type seq struct {
	b    *bytes.Buffer
	open string
	any  bool
}

func seqOf(b *bytes.Buffer, open string) *seq { return &seq{b: b, open: open} }

func (s *seq) add(data []byte) {
	if s.any {
		s.b.WriteByte(',')
	} else {
		s.b.WriteString(s.open)
		s.any = true
	}
	s.b.Write(data)
}

func (s *seq) end() {
	if s.any {
		s.b.WriteByte(']')
	}
}
