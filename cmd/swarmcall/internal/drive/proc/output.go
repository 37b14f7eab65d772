package proc

import (
	"bytes"
	"context"
)

// Output runs argv until it ends or ctx ends, and returns what it wrote to stdout. Like any other process of this
// package, it does not outlive the driver.
func Output(ctx context.Context, argv ...string) ([]byte, error) {
	var out bytes.Buffer
	p, err := Start(argv, Streams{Stdout: &out})
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		p.Kill()
		return out.Bytes(), ctx.Err()
	case <-p.Ended():
	}
	return out.Bytes(), p.Failure()
}
