package input

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// Decimal reports whether s is a whole number without a leading zero: some programs read 010 as 8, so the writer may
// mean either.
func Decimal(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if s == "0" {
		return true
	}
	return digits != "" && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

// ParseInt reads a whole number that fits into this number of bits.
func ParseInt(s string, bits int) (int64, error) {
	if !Decimal(s) {
		return 0, fmt.Errorf("%q is not a decimal whole number%s", s, example(s))
	}
	n, err := strconv.ParseInt(s, 10, bits)
	if err != nil {
		return 0, fmt.Errorf("%s is too large", s)
	}
	return n, nil
}

// example returns how to write the number, if that can be determined.
func example(s string) string {
	digits := strings.TrimLeft(s, "0")
	if digits == s || !Decimal(digits) {
		return ", such as 10"
	}
	return "; without the leading zero: " + digits
}

// Flags makes kong read every whole number with ParseInt. By default kong takes the base from a prefix, and reads 010
// as 8.
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
	n, err := ParseInt(s, target.Type().Bits())
	if err != nil {
		return err
	}
	target.SetInt(n)
	return nil
}
