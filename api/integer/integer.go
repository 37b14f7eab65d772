// Package integer reads the integers of JSON Schema: 5, 5.0 and 5e0 are one value, and all of them match "type:
// integer". Decoders for Go's integer types accept only digits. Nothing is rounded: no number becomes a float.
package integer

import (
	"bytes"
	"math"
	"strconv"
)

// maxDigits is how many digits an expanded number may have: those of the largest uint64.
const maxDigits = 20

// maxExponent bounds an exponent, far beyond what the digits of a text can compensate.
const maxExponent = math.MaxInt32

// InDigits returns a JSON text with every whole number in plain digits, if it has at most 20 of them: -0 and 0e9 become
// 0, 1.5e3 becomes 1500. Other numbers, and the rest of the text, are unchanged. The result is text itself if nothing
// changes, else a new slice. Invalid JSON stays invalid.
func InDigits(text []byte) []byte {
	var out []byte
	copied := 0
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"':
			i = afterString(text, i)
		case isDigit(c) || bytes.IndexByte([]byte("+-."), c) >= 0: // "+5.0" is not a number and does not contain one
			end := afterNumber(text, i)
			if digits, ok := plain(text[i:end]); ok && !bytes.Equal(digits, text[i:end]) {
				out = append(append(out, text[copied:i]...), digits...)
				copied = end
			}
			i = end
		default:
			i++
		}
	}
	if copied == 0 {
		return text
	}
	return append(out, text[copied:]...)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// afterString returns where the string that begins at i ends.
func afterString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// afterNumber returns where the run of characters that numbers are made of ends.
func afterNumber(text []byte, i int) int {
	for i < len(text) && (isDigit(text[i]) || bytes.IndexByte([]byte("+-.eE"), text[i]) >= 0) {
		i++
	}
	return i
}

// plain returns the digits of a whole number.
func plain(number []byte) (digits []byte, ok bool) {
	n, ok := parse(number)
	if !ok {
		return nil, false
	}
	significant := bytes.TrimLeft(n.digits, "0")
	if len(significant) == 0 {
		return []byte("0"), true
	}
	zeros := len(significant)
	significant = bytes.TrimRight(significant, "0")
	scale := n.exponent + zeros - len(significant) // of the last significant digit
	if scale < 0 || len(significant)+scale > maxDigits {
		return nil, false
	}
	if n.negative {
		digits = append(digits, '-')
	}
	return append(append(digits, significant...), bytes.Repeat([]byte("0"), scale)...), true
}

// number is ±digits·10^exponent.
type number struct {
	negative bool
	digits   []byte
	exponent int
}

// parse reads a number by the grammar of JSON.
func parse(text []byte) (n number, ok bool) {
	rest, negative := bytes.CutPrefix(text, []byte("-"))
	n.negative = negative
	whole, rest := cutDigits(rest)
	if len(whole) == 0 || (whole[0] == '0' && len(whole) > 1) {
		return n, false
	}
	n.digits = whole
	if len(rest) > 0 && rest[0] == '.' {
		var fraction []byte
		if fraction, rest = cutDigits(rest[1:]); len(fraction) == 0 {
			return n, false
		}
		n.digits = append(append([]byte(nil), whole...), fraction...)
		n.exponent = -len(fraction)
	}
	if len(rest) == 0 {
		return n, true
	}
	exponent, ok := parseExponent(rest)
	n.exponent += exponent
	return n, ok
}

func cutDigits(text []byte) (digits, rest []byte) {
	i := 0
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return text[:i], text[i:]
}

// parseExponent reads e+9 and similar forms. An exponent out of bounds is limited to them: no text is long enough to
// compensate.
func parseExponent(text []byte) (exponent int, ok bool) {
	if text[0] != 'e' && text[0] != 'E' {
		return 0, false
	}
	text = text[1:]
	negative := bytes.HasPrefix(text, []byte("-"))
	if negative || bytes.HasPrefix(text, []byte("+")) {
		text = text[1:]
	}
	digits, rest := cutDigits(text)
	if len(digits) == 0 || len(rest) > 0 {
		return 0, false
	}
	exponent = maxExponent
	if digits = bytes.TrimLeft(digits, "0"); len(digits) == 0 {
		exponent = 0
	} else if value, err := strconv.Atoi(string(digits)); err == nil {
		exponent = min(value, maxExponent)
	}
	if negative {
		exponent = -exponent
	}
	return exponent, true
}
