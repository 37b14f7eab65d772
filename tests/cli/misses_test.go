package cli

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// missesCmd: misses ID N program args… is `code N program args…` with a --deadline that driver ID misses and no other
// driver. How fast the others ack depends on the machine, so the command is repeated with twice the deadline until they
// are in time.
func missesCmd(ts *testscript.TestScript, _ bool, args []string) {
	const longest = time.Minute // that --deadline accepts
	id, args := args[0], args[1:]
	for deadline := 100 * time.Millisecond; ; deadline *= 2 {
		before := newestSeq(ts)
		call := append(args[:len(args):len(args)], "--deadline", deadline.String())
		got := exitCode(ts, call[1:])
		if othersAcked(ts, before, id) || 2*deadline > longest {
			wantCode(ts, call, got)
			return
		}
	}
}

// othersAcked reports whether no driver but id missed the deadline of an entry after seq.
func othersAcked(ts *testscript.TestScript, seq int64, id string) bool {
	for _, e := range entriesOf(ts) {
		for _, m := range e.Missing {
			if e.Seq > seq && m.DriverID != id {
				return false
			}
		}
	}
	return true
}

func newestSeq(ts *testscript.TestScript) int64 {
	for _, e := range entriesOf(ts) {
		return e.Seq
	}
	return 0
}

type missedEntry struct {
	Seq     int64
	Missing []struct {
		DriverID string `json:"driver_id"`
	}
}

// entriesOf returns the newest entries of the log, the newest first. It leaves the output of the script's last command
// as it is.
func entriesOf(ts *testscript.TestScript) []missedEntry {
	resp, err := http.Get(worldOf(ts).server.url() + "/commands?limit=10")
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	var page struct{ Items []missedEntry }
	ts.Check(json.NewDecoder(resp.Body).Decode(&page))
	return page.Items
}
