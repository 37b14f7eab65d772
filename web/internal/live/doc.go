// Package live sends the changes of a page to its viewers.
//
// A topic is the path and query of a page. Twice a second the hub renders the live elements of every topic that has
// viewers, once for all of them, and keeps for each element the revision at which it last changed. A viewer has a
// cursor: all later changes are sent in one frame, and viewers with the same cursor share its bytes. So a viewer needs
// no queue: a viewer that is slow or was disconnected receives the newest state of what it missed, in one step, and its
// cost does not grow.
//
// The event id is "boot.revision". A cursor of another boot means that the server was restarted: the viewer receives a
// reset and loads the page again.
package live
