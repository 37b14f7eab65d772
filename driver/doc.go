// Package driver is the SDK for load drivers: processes that generate load and take their orders from Swarmcall.
//
// A driver calls [Run] with a [Config] and a [Handler]. Run connects to the server, registers, sends heartbeats and
// hands every command to the handler, until its context ends. It reconnects by itself, so a server may restart or be
// replaced.
//
// # Duties of a handler
//
// Commands come one at a time, in the order of the log, from one goroutine. Apply accepts the new target and returns:
// to reach it may take a ramp of the driver's own, which heartbeats report ([Config.State]). The next command, a [Stop]
// above all, waits until Apply has returned. Heartbeats do not wait.
//
// Nil from Apply is acked as applied. An error is acked as rejected, with the code and detail of [Reject] if it was
// made so. A panic is acked as rejected too, and the driver goes on. [NewRamp] makes a handler of what one player does.
//
// # What Run takes care of
//
//   - A command comes to the handler once, also when the server sends it again: the first answer is repeated.
//   - What a driver missed while it was away comes to it when it registers ([Command.Desired]): never more than the
//     newest command for the players and the newest for the spawn delay.
//   - Commands received before a connection was lost are still applied; the server learns of it at the next register.
//   - A driver that has not heard of its server for the time of the lease ([Session.LeaseTTL]) must not run on: the
//     handler gets a Stop ([FromLease]), unless the server wants the load held. The server learns of it at the next
//     register, and the load that it desires is applied again.
//   - What the driver itself allows goes before what the server wants: [Config.MaxPlayers] and [Config.LocalStop].
//   - Between two connections Run waits as the close code demands, with full jitter. Codes that say stop end Run with a
//     [*CloseError], a refused credential or address with a [*HandshakeError]. Only Swarmcall refuses: what a proxy
//     answers for a server that restarts is logged and tried again.
//   - When 256 commands wait for a slow handler, Run stops reading, until one is done.
package driver
