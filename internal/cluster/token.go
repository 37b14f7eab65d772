package cluster

import (
	"fmt"
	"strconv"
	"strings"
)

// maxName bounds the names and instances of nodes, in bytes.
const maxName = 128

// token writes a name so that it is one token of a subject, and a valid key of a bucket: letters, digits, - and _ stand
// for themselves, any other byte is = and two hex digits.
func token(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// nameOf reads a token. A name has one token only.
func nameOf(t string) (name string, ok bool) {
	if t == "" || len(t) > 3*maxName {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(t); i++ {
		if t[i] != '=' {
			b.WriteByte(t[i])
			continue
		}
		if i+3 > len(t) {
			return "", false
		}
		c, err := strconv.ParseUint(t[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c))
		i += 2
	}
	name = b.String()
	return name, len(name) <= maxName && token(name) == t
}
