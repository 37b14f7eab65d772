// Package driver is the SDK for load drivers: processes that generate load and are controlled by Swarmcall.
//
// A driver calls [Run] with a [Config] and a [Handler]. Run connects to the server, registers, sends heartbeats and
// passes every command to the handler, until its context ends. It reconnects on its own, to the next server if there
// are several, so a server may restart or be replaced.
//
// # Duties of a handler
//
// Commands arrive one at a time, in the order of the log, from one goroutine. Apply accepts the new target and returns:
// the driver may need a ramp to reach it, which heartbeats report ([Config.State]). The next command, a [Stop] above
// all, waits until Apply has returned. Heartbeats do not wait.
//
// Nil from Apply is acked as applied. An error is acked as rejected, with the code and detail of [Reject] if the
// handler used it. A panic is acked as rejected too, and the driver continues. [NewRamp] makes a handler from the
// function of one player.
//
// # What Run takes care of
//
//   - The handler gets a command once, even if the server sends it again: Run repeats the first answer.
//   - A driver that was disconnected gets the commands it missed when it registers ([Command.Desired]): at most the
//     newest command for the players and the newest for the spawn delay.
//   - Commands received before a connection was lost are still applied; the next register reports them to the server.
//   - A driver without a frame from its server for the time of the lease ([Session.LeaseTTL]) must not keep running:
//     the handler gets a Stop ([FromLease]), unless the server wants the load held. The next register reports this to
//     the server, and the desired load is applied again.
//   - The driver's own limits take precedence over commands: [Config.MaxPlayers] and [Config.LocalStop].
//   - Between two connections Run waits as the close code demands, with full jitter. With several servers a wait that
//     one of them demands does not delay the others, except for that of a drain. Codes that mean stop end Run with a
//     [*CloseError], a refused credential or address with a [*HandshakeError]. Only Swarmcall itself can refuse: if a
//     proxy answers for a server that restarts, Run logs the answer and retries.
//   - The files of the token and of the root CAs ([Config.TokenFile], [Config.CAFile]) are read at every connect. A token
//     that has expired is no refusal: Run retries until another one is in the file.
//   - When 256 commands wait for a slow handler, Run stops reading until one is done.
package driver
