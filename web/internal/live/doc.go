// Package live sends what changes on a page to those who look at it.
//
// A topic is the path and query of a page. Twice a second the hub renders the live elements of every topic that
// somebody looks at, once for all viewers, and keeps for each element the revision at which it last changed. A viewer
// has a cursor: what changed since goes out in one frame, and viewers with the same cursor share its bytes. So a viewer
// has no queue: one that is slow, or was away, gets the newest state of what it missed, in one step, and what it costs
// does not grow.
//
// The event id is "boot.revision". A cursor of another boot means the server was restarted: the viewer is told to load
// the page again.
package live
