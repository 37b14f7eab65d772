package plan

import (
	"fmt"
	"strings"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

// claim is which commands are of this run, and which is the newest: that is the condition of the next one.
type claim struct {
	submitter string
	id        string // names the run: keys and notes begin with it
	plan      string

	start  int64          // newest entry when the run began
	newest int64          // newest load command of ours, once known
	known  bool           // newest is
	own    map[int64]bool // load commands of this run; true: of players, false: of none
	load   int64          // entry of the load in force; 0: none
	issued int            // commands so far: each has a key of its own
}

// begin notes where the log stands: what is older than that is no newer command. A condition that names a conditional
// command of the same submitter goes back to what that one was based on, so an earlier run must not be named: what
// others have commanded since its begin would not be ours to change. The place behind it is taken by its outcome, and
// means the same moment. It returns false while that is not known.
func (c *claim) begin(e remote.Entry) bool {
	c.start, c.newest = e.Seq, e.Seq
	if e.IfSeq == nil || e.Submitter != c.submitter {
		return true
	}
	if remote.Closed(e) {
		c.newest = e.Seq + 1
		return true
	}
	return false
}

// next is the key of a command of this run, and the note by which the run knows it.
func (c *claim) next() (key, note string) {
	const most = 120
	c.issued++
	name := strings.ToValidUTF8(c.plan[:min(len(c.plan), most)], "") // it may be cut in a character
	return fmt.Sprintf("%s/%d", c.id, c.issued), fmt.Sprintf("%s step %d of plan %s", c.id, c.issued, name)
}

// adopt notes a command of this run.
func (c *claim) adopt(e remote.Entry) {
	if remote.CommandOf(e).Slot() != command.LoadSlot {
		return
	}
	c.newest, c.known = e.Seq, true
	c.own[e.Seq] = isLoad(e) && wants(e)
	if isLoad(e) {
		c.load = max(c.load, e.Seq)
	}
}

// older tells an entry that was there before the run.
func (c *claim) older(seq int64) bool { return !c.known && seq <= c.start }

// whose says who has issued a newer entry, "" for this run: a step whose answer was lost, or a total that the server
// has split again.
func (c *claim) whose(e remote.Entry) string {
	if e.Submitter == c.submitter && strings.HasPrefix(remote.CommandOf(e).Note, c.id+" ") {
		c.adopt(e)
		return ""
	}
	return verdict.InForce(e)
}

// taken is the error of a run whose drivers somebody else commands now.
func taken(what string, refusal error) error {
	return &clierr.Error{
		Code:  clierr.Superseded,
		What:  what,
		Cause: refusal,
		Hint:  "the run ends and leaves the other command in place; see swarmcall commands list",
	}
}

func isLoad(e remote.Entry) bool {
	return e.Seq > 0 && isLevel(remote.CommandOf(e))
}

// wants tells a command that wants players from one that wants none.
func wants(e remote.Entry) bool {
	return remote.CommandOf(e).Load()
}
