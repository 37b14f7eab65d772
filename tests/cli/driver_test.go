package cli

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

// swarmDriver is a driver through the SDK that does what a test wants.
type swarmDriver struct {
	mu      sync.Mutex
	change  sync.Cond
	mode    string // "", "hold": does not ack, "reject"
	applied []driver.Command
	leave   context.CancelFunc
	left    chan error
}

// startDriver connects a driver and waits until the server has accepted it.
func startDriver(url, id string, labels map[string]string) (*swarmDriver, error) {
	return startDriverBy(&http.Client{Transport: &http.Transport{}}, url, id, labels)
}

// startDriverBy is startDriver over a network of its own.
func startDriverBy(client *http.Client, url, id string, labels map[string]string) (*swarmDriver, error) {
	ctx, cancel := context.WithCancel(context.Background())
	d := &swarmDriver{leave: cancel, left: make(chan error, 1)}
	d.change.L = &d.mu
	connected := make(chan struct{}, 100)
	go func() {
		d.left <- driver.Run(ctx, driver.Config{
			URL: url, DriverID: id, Labels: labels, HTTPClient: client,
			OnConnect: func(driver.Session) {
				select {
				case connected <- struct{}{}:
				default:
				}
			},
		}, driver.HandlerFunc(d.apply))
		client.CloseIdleConnections()
	}()
	select {
	case <-connected:
		return d, nil
	case err := <-d.left:
		d.left <- err
		return nil, fmt.Errorf("driver %s ended: %w", id, err)
	case <-time.After(patience):
		cancel()
		return nil, fmt.Errorf("driver %s does not connect", id)
	}
}

func (d *swarmDriver) apply(ctx context.Context, c driver.Command) error {
	stop := context.AfterFunc(ctx, d.change.Broadcast)
	defer stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.mode == "hold" && ctx.Err() == nil {
		d.change.Wait()
	}
	if d.mode == "reject" {
		return driver.Reject("busy", "\x1b[2Jno \u202etime")
	}
	d.applied = append(d.applied, c)
	d.change.Broadcast()
	return nil
}

func (d *swarmDriver) set(mode string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mode = mode
	d.change.Broadcast()
}

// commands returns the commands that the driver applied, as words.
func (d *swarmDriver) commands() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.words()
}

func (d *swarmDriver) words() (words []string) {
	for _, c := range d.applied {
		word := string(c.Type)
		switch c.Type {
		case driver.SetPlayers:
			word = fmt.Sprintf("players %d", c.Players)
		case driver.SetSpawnDelay:
			word = fmt.Sprintf("delay %d", c.SpawnDelayMS)
		}
		words = append(words, word)
	}
	return words
}

// until waits until the driver has applied a command, and returns false when it does not.
func (d *swarmDriver) until(word string) bool {
	expired := false
	timer := time.AfterFunc(patience, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		expired = true
		d.change.Broadcast()
	})
	defer timer.Stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	for !slices.Contains(d.words(), word) && !expired {
		d.change.Wait()
	}
	return !expired
}

// end deregisters the driver.
func (d *swarmDriver) end() error {
	d.set("")
	d.leave()
	err := <-d.left
	d.left <- err
	return err
}
