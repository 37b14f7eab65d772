package stream

import (
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/swarmtest/natstest"
)

// TestWhatAConsumerLeavesOut is asked for one by one, and left out only if no server has it.
func TestWhatAConsumerLeavesOut(t *testing.T) {
	c := natstest.Start(t, natstest.Options{Servers: 1})
	js, err := jetstream.New(c.Connect(t, c.URLs()))
	if err != nil {
		t.Fatal(err)
	}
	made, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{"1", "2", "3", "4"} {
		if _, err := js.Publish(t.Context(), "s", []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	s := &Stream{JS: js, Stream: made}
	var got []uint64
	take := func(r Record) error { got = append(got, r.Position); return nil }
	r := reader{s: s, next: 1, to: 4, take: take}
	if err := r.leftOut(t.Context(), 4); err != nil || !slices.Equal(got, []uint64{1, 2, 3}) || r.next != 4 {
		t.Errorf("before 4 it read %v: %v", got, err)
	}
	if err := made.DeleteMsg(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	got, r = nil, reader{s: s, next: 1, to: 4, take: take, asked: 2 * askPatience}
	if err := r.leftOut(t.Context(), 9); err != nil || !slices.Equal(got, []uint64{1, 3, 4}) || r.next != 5 {
		t.Errorf("without 2 it read %v: %v", got, err)
	}
	got = nil
	if err := s.Read(t.Context(), 1, 1, take); err != nil || !slices.Equal(got, []uint64{1}) {
		t.Errorf("up to 1 it read %v: %v", got, err)
	}
}
