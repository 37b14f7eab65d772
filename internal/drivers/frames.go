package drivers

import (
	"errors"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Limits on what a driver reports about itself.
const (
	maxWordBytes    = 256 // version and instance
	maxCapabilities = 32
	minWeight       = 0.001
	maxWeight       = 1_000_000
)

// parseRegister decodes and checks a driver's first frame. The close code is 0 if it is a valid register frame;
// otherwise problem describes the error, or is empty if the code says enough.
func parseRegister(frame []byte) (reg *wire.Register, code wire.CloseCode, problem string) {
	kind, err := wire.TypeOf(frame)
	switch {
	case errors.Is(err, wire.ErrNotJSON):
		return nil, wire.CloseNotJSON, ""
	case err != nil:
		return nil, wire.CloseRegister, err.Error()
	case kind != wire.TypeRegister:
		return nil, wire.CloseRegister, "the first frame must have type register"
	}
	reg = &wire.Register{}
	if err := wire.Decode(frame, reg); err != nil {
		return nil, wire.CloseRegister, err.Error()
	}
	if problem := checkRegister(reg); problem != "" {
		return nil, wire.CloseRegister, problem
	}
	return reg, 0, ""
}

func checkRegister(reg *wire.Register) string {
	problem := checkIdentity(reg.DriverID, reg.Version, reg.Instance, reg.Capabilities, reg.Labels)
	switch {
	case problem != "":
		return problem
	case reg.Weight != nil && (*reg.Weight < minWeight || *reg.Weight > maxWeight):
		return "field /weight must be a number from 0.001 to 1000000"
	case reg.MaxPlayers < 0 || reg.MaxPlayers > command.MaxPlayers:
		return "field /max_players must be from 0 (no limit) to 1000000000"
	case reg.State != nil && reg.State.Negative():
		return "field /state has a negative number"
	}
	return ""
}

// checkIdentity checks what a driver says about itself and does not change while it is connected.
func checkIdentity(id, version, instance string, capabilities []string, labels map[string]string) string {
	switch {
	case !swarm.ValidDriverID(id):
		return "field /driver_id must be 1 to 128 of [A-Za-z0-9._:-], the first a letter or digit, and neither " +
			"connect nor stream"
	case !plain(version), !plain(instance):
		return "fields /version and /instance must be at most 256 bytes without control characters"
	case len(capabilities) > maxCapabilities:
		return "field /capabilities has more than 32 items"
	}
	for _, c := range capabilities {
		if !plain(c) {
			return "field /capabilities must hold command types"
		}
	}
	for _, bad := range swarm.ValidateLabels(labels, "/labels") {
		return "field " + bad.Pointer + " " + bad.Detail
	}
	return ""
}

// shareOf returns a driver's share of a total: weights are kept in thousandths.
func shareOf(reg *wire.Register) swarm.Share {
	weight := 1.0
	if reg.Weight != nil {
		weight = *reg.Weight
	}
	return swarm.Share{Weight: uint64(math.Round(weight * 1000)), Cap: reg.MaxPlayers}
}

func checkBeat(b *wire.Heartbeat) string {
	if b.State != nil && b.State.Negative() {
		return "field /state has a negative number"
	}
	return checkMetrics(b.Metrics)
}

func checkMetrics(metrics map[string]float64) string {
	if len(metrics) > wire.MaxMetrics {
		return "field /metrics has more than 64 items"
	}
	for name, v := range metrics {
		if !plainUpTo(wire.MaxMetricNameBytes, name) || math.IsInf(v, 0) || math.IsNaN(v) {
			return "field /metrics must map names of at most 256 bytes to finite numbers"
		}
	}
	return ""
}

func replyOf(ack *wire.CommandAck) (reply swarm.Reply, problem string) {
	switch {
	case ack.Seq == 0:
		return reply, "field /seq is missing"
	case ack.Status == wire.StatusApplied:
		return swarm.Reply{Applied: true}, ""
	case ack.Status == wire.StatusRejected:
		return swarm.Reply{Code: cut(swarm.MaskSecrets(ack.Code), swarm.MaxRejectCodeBytes),
			Detail: cut(swarm.MaskSecrets(ack.Detail), swarm.MaxRejectDetailBytes)}, ""
	default:
		return reply, "field /status must be applied or rejected"
	}
}

func plain(s string) bool { return plainUpTo(maxWordBytes, s) }

func plainUpTo(most int, s string) bool {
	return len(s) <= most && !strings.ContainsFunc(s, unicode.IsControl) && !swarm.HasSecret(s)
}

// cut shortens a driver's text to most bytes of whole characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
