// Package decimal reads the whole numbers of the command line: in decimal, and in one way only.
package decimal

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// Plain reports whether s is a whole number without a leading zero: some programs read 010 as 8, so whoever writes it may mean either.
func Plain(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if s == "0" {
		return true
	}
	return digits != "" && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

// Parse reads a number that fits into so many bits.
func Parse(s string, bits int) (int64, error) {
	if !Plain(s) {
		return 0, fmt.Errorf("%q is no whole number in decimal%s", s, cure(s))
	}
	n, err := strconv.ParseInt(s, 10, bits)
	if err != nil {
		return 0, fmt.Errorf("%s is too large a number", s)
	}
	return n, nil
}

// cure is how the number is written, where that can be told.
func cure(s string) string {
	digits := strings.TrimLeft(s, "0")
	if digits == s || !Plain(digits) {
		return ", such as 10"
	}
	return "; without the leading zero: " + digits
}

// Flags has kong read every whole number by Parse. Its own reading takes the base from a prefix, and 010 for 8.
func Flags() []kong.Option {
	var options []kong.Option
	for _, kind := range []reflect.Kind{reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64} {
		options = append(options, kong.KindMapper(kind, kong.MapperFunc(decode)))
	}
	return options
}

func decode(ctx *kong.DecodeContext, target reflect.Value) error {
	var s string
	if err := ctx.Scan.PopValueInto("number", &s); err != nil {
		return err
	}
	n, err := Parse(s, target.Type().Bits())
	if err != nil {
		return err
	}
	target.SetInt(n)
	return nil
}
