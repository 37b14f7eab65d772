package app

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	const secret = "swc_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
	var b bytes.Buffer
	log := slog.New(masked{slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})})
	log.With("with", secret).WithGroup("g").Debug("message "+secret, "string", "/x/"+secret, "err",
		errors.New("bad "+secret), "list", []string{secret}, slog.Group("in", "deep", secret), "n", 7)
	got := b.String()
	if strings.Contains(got, secret) || strings.Count(got, "swc_***") != 6 || !strings.Contains(got, "g.n=7") {
		t.Errorf("the line is %s", got)
	}
}
