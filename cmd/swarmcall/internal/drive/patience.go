package drive

import (
	"context"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

// defaultPatience is for commands without a deadline: those of a lost lease, or of the operator.
const defaultPatience = 5 * time.Second

// Patience limits how long a generator may take to confirm c: the answer must reach the server before the deadline, and
// a rejection with a reason is better than a missing ack. The limit is always short, because the next command waits,
// and it may be a Stop.
func Patience(ctx context.Context, c driver.Command) (context.Context, context.CancelFunc) {
	d := defaultPatience
	if c.Deadline > 0 {
		d = min(d, c.Deadline-max(c.Deadline/8, 50*time.Millisecond))
	}
	return context.WithTimeout(ctx, d)
}
