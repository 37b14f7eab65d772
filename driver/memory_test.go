package driver

import "testing"

var (
	full    = &Rejection{Code: "full"}
	live    = func(seq uint64, t CommandType) Command { return Command{Seq: seq, Type: t} }
	desired = func(seq uint64, t CommandType) Command { return Command{Seq: seq, Type: t, Desired: true} }
)

// answered makes a memory that has answered these commands, seq 6 with a rejection.
func answered(commands ...Command) *memory {
	m := &memory{logID: "a.1"}
	for _, c := range commands {
		var r *Rejection
		if c.Seq == 6 {
			r = full
		}
		m.remember(c, r)
	}
	return m
}

func TestMemoryFencesLiveCommands(t *testing.T) {
	m := answered(live(4, SetPlayers), live(6, SetPlayers), live(7, Stop), live(9, SetSpawnDelay))
	for _, c := range []struct {
		seq   uint64
		known bool
		want  *Rejection
	}{
		{3, true, nil}, // older than anything known: it was answered, or it was for other drivers
		{4, true, nil},
		{5, true, nil},
		{6, true, full},
		{7, true, nil},
		{9, true, nil},
		{10, false, nil},
	} {
		if got, known := m.recall(live(c.seq, SetPlayers)); known != c.known || got != c.want {
			t.Errorf("seq %d: %v, %v; want %v, %v", c.seq, got, known, c.want, c.known)
		}
	}
	if m.applied != 9 {
		t.Errorf("applied %d, want 9", m.applied)
	}
}

func TestMemoryComparesDesiredPerSlot(t *testing.T) {
	m := answered(live(4, SetSpawnDelay), live(5, SetPlayers), live(7, Stop))
	for _, c := range []struct {
		name  string
		c     Command
		known bool
	}{
		{"the players slot's own", desired(7, Stop), true},
		{"the spawn delay slot's own, though lower than applied", desired(4, SetSpawnDelay), true},
		{"older in the slot: labels may have changed", desired(5, SetPlayers), false},
		{"never seen, lower than applied", desired(6, SetPlayers), false},
		{"newer", desired(8, SetPlayers), false},
		{"seq of the other slot", desired(7, SetSpawnDelay), false},
		{"a type of a later server", desired(7, "set_pace"), false},
	} {
		if _, known := m.recall(c.c); known != c.known {
			t.Errorf("%s: known %v, want %v", c.name, known, c.known)
		}
	}
}

func TestMemoryAfterALowerDesired(t *testing.T) {
	m := answered(live(5, SetPlayers), live(9, SetPlayers), desired(5, SetPlayers))
	if m.applied != 9 {
		t.Errorf("applied %d, want 9: it never falls", m.applied)
	}
	if _, known := m.recall(desired(5, SetPlayers)); !known {
		t.Error("desired 5 again: it is what the slot holds now, and would be applied twice")
	}
	if _, known := m.recall(desired(9, SetPlayers)); known {
		t.Error("desired 9 again: the slot holds 5 by now, so 9 has to be applied")
	}
	if _, known := m.recall(live(9, SetPlayers)); !known {
		t.Error("live 9 would be applied twice")
	}
}

func TestMemoryKeepsTheFirstAnswer(t *testing.T) {
	m := answered(live(6, SetPlayers), live(7, SetPlayers))
	m.remember(desired(6, SetPlayers), nil) // this time it is applied
	if got, _ := m.recall(live(6, SetPlayers)); got != full {
		t.Errorf("live 6 again: %v, want its first answer %v", got, full)
	}
	if got, known := m.recall(desired(6, SetPlayers)); !known || got != nil {
		t.Errorf("desired 6 again: %v, want the slot's answer, applied", got)
	}
}

// TestMemoryKeepsTheFirstAnswerInAFullRing: the second answer has a lower index in the ring than the first.
func TestMemoryKeepsTheFirstAnswerInAFullRing(t *testing.T) {
	m := answered()
	for seq := uint64(1000); seq < 1000+remembered-2; seq++ {
		m.remember(live(seq, SetPlayers), nil)
	}
	m.remember(live(2000, SetPlayers), full)
	for seq := uint64(2001); seq < 2010; seq++ {
		m.remember(live(seq, SetPlayers), nil)
	}
	m.remember(desired(2000, SetPlayers), nil)
	if got, _ := m.recall(live(2000, SetPlayers)); got != full {
		t.Errorf("live 2000 again: %v, want its first answer %v", got, full)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := answered(live(6, SetSpawnDelay))
	m.remember(live(8, SetPlayers), full)
	for seq := uint64(100); seq < 100+10*remembered; seq++ {
		m.remember(live(seq, SetPlayers), full)
	}
	if len(m.recent) != remembered {
		t.Errorf("%d answers are kept, want %d", len(m.recent), remembered)
	}
	newest := m.applied
	for seq := newest - remembered + 1; seq <= newest; seq++ {
		if got, known := m.recall(live(seq, SetPlayers)); !known || got != full {
			t.Fatalf("seq %d of the last %d: %v, %v; want %v", seq, remembered, got, known, full)
		}
	}
	if got, known := m.recall(live(6, SetSpawnDelay)); !known || got != full {
		t.Errorf("the spawn delay slot's last: %v, %v; want %v", got, known, full)
	}
	if got, known := m.recall(live(8, SetPlayers)); !known || got != nil {
		t.Errorf("a forgotten answer: %v, %v; want applied", got, known)
	}
}

func TestMemoryForgetsAnotherLog(t *testing.T) {
	m := answered(live(6, SetPlayers))
	if m.enter("a.1") || m.applied != 6 {
		t.Error("the same log was forgotten")
	}
	if !m.enter("a.2") || m.applied != 0 || m.logID != "a.2" {
		t.Errorf("entered another log: %+v", m)
	}
	for _, c := range []Command{live(6, SetPlayers), desired(6, SetPlayers)} {
		if _, known := m.recall(c); known {
			t.Errorf("%+v is still known", c)
		}
	}
	if m.enter("a.3") {
		t.Error("there was nothing to forget")
	}
}
