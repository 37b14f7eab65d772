// Package drivers knows the drivers: who is there, what each one last said, and the hand-over of commands to them.
//
// A member is a driver that is known; its session is the connection that it has at the moment, if it has one. One lock
// orders everything that decides who gets a command: a session joining or ending, and the hand-over of a command,
// during which the command is folded into the desired state and put into the outbox of every open matching session. A
// driver that registers reads the fold under the same lock, so no command falls between.
//
// Two goroutines serve a session, both owned by the Registry, which joins them in Shutdown: the reader, which decodes
// frames, and the writer, which alone writes. A peer that does not read blocks its own writer only; the sweeper ends
// its session when a write makes no progress for [WriteTimeout]. No timer and no goroutine exists per command or per
// write.
//
// The policies (resplit.go, empty.go, idle.go, lease.go) are types that know nothing of the Registry. The sweeper asks
// them with the lock held; what they want, and what becomes of drivers, is reported to [Rounds] and [Requests] after
// the lock is released.
package drivers
