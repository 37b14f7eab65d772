package swarm

import "testing"

func TestAddressGroup(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7":                "192.0.2.7",
		"192.0.2.7:443":            "192.0.2.7",
		"::ffff:192.0.2.7":         "192.0.2.7",
		"[::ffff:192.0.2.7]:1":     "192.0.2.7",
		"2001:db8:1:2:3:4:5:6":     "2001:db8:1:2::/64",
		"[2001:db8:1:2::ffff]:443": "2001:db8:1:2::/64",
		"fe80::1%eth0":             "fe80::/64",
		"[fe80::1%eth1]:80":        "fe80::/64",
		"":                         "unknown",
		"@":                        "unknown",
		"example.com:80":           "unknown",
		"192.0.2.7\n":              "unknown",
	} {
		if got := AddressGroup(addr); got != want {
			t.Errorf("%q is counted under %q; want %q", addr, got, want)
		}
	}
}
