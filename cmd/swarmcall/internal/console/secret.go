package console

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/term"
)

// ErrNoAnswer is the error of a question that the user did not answer: by Ctrl-C, Ctrl-D or a signal.
var ErrNoAnswer = errors.New("not answered")

// Secret asks on a terminal for a line that it does not show, not even what is typed before the question appears.
func Secret(ctx context.Context, terminal *os.File, w io.Writer, prompt string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(fd, before) }()
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() { // ends at the latest with the process: a read from a terminal cannot be cancelled
		text, err := term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{terminal, w}, "").ReadPassword(prompt)
		read <- line{text, err}
	}()
	select {
	case <-ctx.Done():
	case l := <-read:
		if l.err == nil {
			return l.text, nil
		}
	}
	_, _ = io.WriteString(w, "\r\n")
	return "", ErrNoAnswer
}
