// Package together tests dispatch and drivers as one: the real dispatcher and the real registry, joined as the app
// joins them, on a log in memory, with drivers that speak the protocol over sockets. It holds tests only; it stands
// apart from package swarmtest because the tests of both packages import that one.
package together
