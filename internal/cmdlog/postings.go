package cmdlog

import "slices"

// postings are the row numbers of entries, in one list for each type and status. A page is merged from the ends of the
// lists that its filter names, and never examines an entry that it does not return: a filter that matches nothing costs
// nothing, however long the log is. There are at most 15 lists.
type postings []posting

type posting struct {
	kind, status uint8
	places       []uint32 // increasing
}

// list returns the list of a type and a status; it is created on first use.
func (p *postings) list(kind, status uint8) *posting {
	for i := range *p {
		if l := &(*p)[i]; l.kind == kind && l.status == status {
			return l
		}
	}
	*p = append(*p, posting{kind: kind, status: status})
	return &(*p)[len(*p)-1]
}

// add inserts the entry with a row number, mostly at the end: entries are closed roughly in the order in which they
// were issued.
func (p *postings) add(kind, status uint8, place uint32) {
	l := p.list(kind, status)
	at, _ := slices.BinarySearch(l.places, place)
	l.places = slices.Insert(l.places, at, place)
}

// move changes the status of the entry with a row number.
func (p *postings) move(kind, from, to uint8, place uint32) {
	l := p.list(kind, from)
	if at, ok := slices.BinarySearch(l.places, place); ok {
		l.places = slices.Delete(l.places, at, at+1)
	}
	p.add(kind, to, place)
}

// within returns the lists that match, cut to the row numbers from low up to but not including high.
func (p postings) within(low, high uint32, matches func(*posting) bool) merged {
	var out merged
	for i := range p {
		if !matches(&p[i]) {
			continue
		}
		places := p[i].places
		from, _ := slices.BinarySearch(places, low)
		to, _ := slices.BinarySearch(places, high)
		if from < to {
			out = append(out, places[from:to])
		}
	}
	return out
}

// merged are increasing lists without a common element, read as one list from the beginning or from the end.
type merged [][]uint32

// next returns the first of all row numbers, or the last.
func (m *merged) next(last bool) (place uint32, ok bool) {
	var from int
	for i, list := range *m {
		if end := list[0]; !last && (!ok || end < place) {
			place, from, ok = end, i, true
		}
		if end := list[len(list)-1]; last && (!ok || end > place) {
			place, from, ok = end, i, true
		}
	}
	if !ok {
		return 0, false
	}
	list := &(*m)[from]
	if last {
		*list = (*list)[:len(*list)-1]
	} else {
		*list = (*list)[1:]
	}
	if len(*list) == 0 {
		*m = slices.Delete(*m, from, from+1)
	}
	return place, true
}
