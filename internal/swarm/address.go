package swarm

import "net/netip"

// AddressGroup returns what the rate limits and the audit log count an address under: an IPv4 address under itself, an
// IPv6 address under its /64, because one host may use all addresses of it. The address may have a port. Whatever is
// no address is counted under "unknown".
func AddressGroup(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		withPort, err := netip.ParseAddrPort(addr)
		if err != nil {
			return "unknown"
		}
		ip = withPort.Addr()
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip, 64).Masked().String()
}
