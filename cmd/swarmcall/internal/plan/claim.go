package plan

import (
	"fmt"
	"strings"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

// claim tracks which commands belong to this run, and the newest of them, which is the condition of the next one.
type claim struct {
	submitter string
	id        string // prefix of keys and notes
	plan      string

	start  int64          // newest entry when the run began
	newest int64          // newest load command of this run, once known
	known  bool           // whether newest is known
	own    map[int64]bool // load commands of this run; true: with players, false: without
	load   int64          // entry of the load in force; 0: none
	issued int            // number of commands so far: each has its own key
}

// begin records the position of the log: anything older is not a newer command. If a condition names a conditional
// command of the same submitter, the server goes back to the command that it was based on. So the run must not name a
// command of an earlier run: it could then replace what others have commanded since that run began. Instead it names
// the next position, which holds the outcome of that command. begin returns false while the outcome is not known.
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

// next returns the key of a command of this run, and the note by which the run recognizes it.
func (c *claim) next() (key, note string) {
	const most = 120
	c.issued++
	name := strings.ToValidUTF8(c.plan[:min(len(c.plan), most)], "") // the cut may be within a character
	return fmt.Sprintf("%s/%d", c.id, c.issued), fmt.Sprintf("%s step %d of plan %s", c.id, c.issued, name)
}

// adopt records a command of this run.
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

// older reports whether an entry existed before the run.
func (c *claim) older(seq int64) bool { return !c.known && seq <= c.start }

// describeIssuer describes who issued a newer entry; "" for this run: a step describeIssuer answer was lost, or a total
// that the server has split again.
func (c *claim) describeIssuer(e remote.Entry) string {
	if e.Submitter == c.submitter && strings.HasPrefix(remote.CommandOf(e).Note, c.id+" ") {
		c.adopt(e)
		return ""
	}
	return verdict.InForce(e)
}

// taken is the error of a run whose drivers another submitter now commands.
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

// wants reports whether a command asks for at least one player.
func wants(e remote.Entry) bool {
	return remote.CommandOf(e).Load()
}
