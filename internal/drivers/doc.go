// Package drivers keeps the known drivers, their state and their reports, and sends commands to them.
//
// A member is a known driver; its session is its current connection, if it has one. One lock orders everything that
// decides which drivers get a command: sessions that join or end, and Offer, which folds a command into the desired
// state and puts it into the outbox of every open matching session. A driver that registers reads the fold under the
// same lock, so it misses no command.
//
// Two goroutines serve a session, both owned by the Registry, which joins them in Shutdown: the reader decodes frames,
// and the writer writes them (pings, pongs and closes come from the WebSocket library too). A peer that does not read
// blocks only its own writer; the sweeper ends its session when a write makes no progress for [WriteTimeout]. There is
// no timer and no goroutine per command or per write.
//
// Several nodes may have one log. Each tells the others about its own drivers (changes.go) and takes what they say
// (apply.go), so the registry of every node knows all drivers. Only this node's own drivers have a session here.
//
// A session belongs to the principal of its handshake, which bounds what it may register (owner.go). The sweeper asks
// what has become of the principal (standing.go). A session whose credential expires or has changed ends between
// commands, so that none is missing because of that (rotation.go).
//
// The policies (policy_*.go) are types that do not depend on the Registry. The sweeper
// calls them with the lock held; their requests, and events of drivers, are reported to [Rounds] and [Requests] after
// the lock is released.
package drivers
