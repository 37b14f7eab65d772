package drive

import (
	"context"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

// defaultPatience is for commands without a deadline: those of a lost lease, or of the operator.
const defaultPatience = 5 * time.Second

// Patience bounds how long a generator may take to confirm c: an answer has to be with the server by the deadline, and
// a reason is worth more than a missing ack. It is never long, because the next command, a Stop above all, waits
// behind.
func Patience(ctx context.Context, c driver.Command) (context.Context, context.CancelFunc) {
	d := defaultPatience
	if c.Deadline > 0 {
		d = min(d, c.Deadline-max(c.Deadline/8, 50*time.Millisecond))
	}
	return context.WithTimeout(ctx, d)
}
