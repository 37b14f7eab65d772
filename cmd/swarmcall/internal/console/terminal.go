package console

import (
	"io"
	"os"

	"golang.org/x/term"
)

// IsTTY reports whether f, a reader or writer, is a terminal.
func IsTTY(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Animated reports whether lines on w can be redrawn: w is a terminal that supports it.
func Animated(w io.Writer) bool { return IsTTY(w) && os.Getenv("TERM") != "dumb" }

// Colour reports whether w gets colour: a terminal that is not dumb, unless NO_COLOR says no or CLICOLOR_FORCE says
// yes.
func Colour(w io.Writer) bool {
	if os.Getenv("NO_COLOR") != "" {
		return false
	}
	if force := os.Getenv("CLICOLOR_FORCE"); force != "" && force != "0" {
		return true
	}
	return Animated(w)
}

// Width returns the columns of the terminal w, and 80 for anything else.
func Width(w io.Writer) int {
	const usual = 80
	file, ok := w.(*os.File)
	if !ok {
		return usual
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		return usual
	}
	return width
}
