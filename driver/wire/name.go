package wire

// MaxNameBytes bounds driver ids and label keys.
const MaxNameBytes = 128

// ValidName reports whether s has the form of driver ids and label keys: [A-Za-z0-9][A-Za-z0-9._:-]{0,127}.
func ValidName(s string) bool {
	if s == "" || len(s) > MaxNameBytes {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		punctuation := c == '.' || c == '_' || c == ':' || c == '-'
		if !alphanumeric && (i == 0 || !punctuation) {
			return false
		}
	}
	return true
}

// ValidDriverID reports whether s may name a driver: a valid name that is not an HTTP route.
func ValidDriverID(s string) bool { return ValidName(s) && s != "connect" && s != "stream" }
