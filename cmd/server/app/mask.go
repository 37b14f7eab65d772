package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// masked is a log handler that replaces what looks like a token, whatever level a line has and wherever it comes from. No
// code of the server logs a secret on purpose; this is for texts that others choose, such as paths.
type masked struct{ slog.Handler }

// Masked returns a handler that replaces what looks like a token before h gets it.
func Masked(h slog.Handler) slog.Handler {
	if _, already := h.(masked); already {
		return h
	}
	return masked{h}
}

// Handle implements slog.Handler.
func (h masked) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, swarm.MaskSecrets(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(mask(a))
		return true
	})
	return h.Handler.Handle(ctx, out)
}

// WithAttrs implements slog.Handler.
func (h masked) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = mask(a)
	}
	return masked{h.Handler.WithAttrs(out)}
}

// WithGroup implements slog.Handler.
func (h masked) WithGroup(name string) slog.Handler { return masked{h.Handler.WithGroup(name)} }

func mask(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString, slog.KindAny:
		text := v.String()
		if err, ok := v.Any().(error); ok {
			text = err.Error()
		} else if v.Kind() == slog.KindAny {
			text = fmt.Sprintf("%+v", v.Any())
		}
		if shown := swarm.MaskSecrets(text); shown != text {
			return slog.String(a.Key, shown)
		}
	case slog.KindGroup:
		group := v.Group()
		out := make([]slog.Attr, len(group))
		for i, inner := range group {
			out[i] = mask(inner)
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(out...)}
	default:
	}
	return a
}
