// Package together tests dispatch and drivers together: the real dispatcher and the real registry, connected as the app
// connects them, on a log in memory, with drivers that speak the protocol over sockets. It holds only tests; it is
// separate from package swarmtest because the tests of both packages import that one.
package together
