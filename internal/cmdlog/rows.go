package cmdlog

// row is what the index stores for one entry: 24 bytes.
type row struct {
	issued, closed uint64 // positions; closed is 0 while the entry is open
	submitter      uint32 // index in index.submitters
	kind, status   uint8  // indexes in command.Types and swarm.Statuses
}

// rows grow in chunks, so that a million of them are never copied and never half empty.
type rows struct {
	pieces [][]row
	count  int
}

const rowsPerPiece = 1 << 13

func (r *rows) add(v row) {
	if r.count%rowsPerPiece == 0 {
		size := rowsPerPiece
		if r.count == 0 {
			size = 0 // most logs are small
		}
		r.pieces = append(r.pieces, make([]row, 0, size))
	}
	last := len(r.pieces) - 1
	r.pieces[last] = append(r.pieces[last], v)
	r.count++
}

func (r *rows) at(i int) *row { return &r.pieces[i/rowsPerPiece][i%rowsPerPiece] }
