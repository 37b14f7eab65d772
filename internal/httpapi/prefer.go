package httpapi

import "strings"

// preferences are the RFC 7240 preferences of a client; unknown ones are ignored, as the RFC requires.
type preferences struct{ async, minimal bool }

// preferencesOf reads the header; if a preference is given twice, the first one counts.
func preferencesOf(header string) (p preferences) {
	returned := false
	for item := range strings.SplitSeq(header, ",") {
		token, _, _ := strings.Cut(item, ";")
		name, value, _ := strings.Cut(token, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "respond-async":
			p.async = true
		case "return":
			if returned {
				continue
			}
			returned = true
			p.minimal = strings.Trim(strings.TrimSpace(value), `"`) == "minimal"
		}
	}
	return p
}

// applied returns the Preference-Applied header, nil for none.
func (p preferences) applied() *string {
	var list []string
	if p.async {
		list = append(list, "respond-async")
	}
	if p.minimal {
		list = append(list, "return=minimal")
	}
	return optional(strings.Join(list, ", "))
}

func (p preferences) detail() detail {
	if p.minimal {
		return minimal
	}
	return whole
}
