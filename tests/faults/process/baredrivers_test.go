package process_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// obey acks every command until the connection ends. It is the only reader; others may write.
func (b *bare) obey() {
	for {
		op, payload, err := b.read()
		if err != nil || op == opClose {
			return
		}
		if op == opPing && b.write(whole(opPong, payload)) != nil || op == opText && b.write(acks(payload)) != nil {
			return
		}
	}
}

// write sends whole frames: two writes at a time do not mix.
func (b *bare) write(frames []byte) error {
	if len(frames) == 0 {
		return nil
	}
	_, err := b.conn.Write(frames)
	return err
}

// acks are the answers to a frame of the server.
func acks(frame string) (out []byte) {
	ack := func(seq uint64) {
		out = append(out, whole(opText, fmt.Sprintf(`{"type":"command_ack","seq":%d,"status":"applied"}`, seq))...)
	}
	switch kind, _ := wire.TypeOf([]byte(frame)); kind {
	case wire.TypeRegistered:
		var r wire.Registered
		_ = wire.Decode([]byte(frame), &r)
		for _, d := range r.Desired {
			ack(d.Seq)
		}
	case wire.TypeCommand:
		var c wire.CommandFrame
		_ = wire.Decode([]byte(frame), &c)
		ack(c.Seq)
	}
	return out
}

// startBareDrivers starts n bare drivers that obey and heartbeat, until the test ends.
func startBareDrivers(t *testing.T, addr string, n int) {
	t.Helper()
	var running sync.WaitGroup
	var all []*bare
	quiet := make(chan struct{})
	t.Cleanup(func() {
		close(quiet)
		for _, b := range all {
			_ = b.conn.Close()
		}
		running.Wait()
	})
	for i := range n {
		b, err := join(addr, fmt.Sprintf("bare-%d", i+1), patience)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
		running.Go(b.obey)
	}
	running.Go(func() { heartbeats(all, quiet) })
}

// heartbeats sends the heartbeats of all drivers until quiet is closed.
func heartbeats(all []*bare, quiet <-chan struct{}) {
	frame := whole(opText, `{"type":"heartbeat"}`)
	for tick := time.NewTicker(400 * time.Millisecond); ; {
		for _, b := range all {
			_ = b.write(frame) // the reader notices the end
		}
		select {
		case <-quiet:
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}
