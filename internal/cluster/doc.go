// Package cluster is what the nodes of a cluster tell each other: who is alive, which drivers each node has, and the
// verdicts of drivers whose round another node owns. The log of commands is not here. Nodes share it, and it decides;
// nothing in this package decides for the swarm.
//
// # Node leases
//
// Each node renews an entry in the bucket <prefix>_nodes once a second ([Cluster.Holds]). An entry lives for 5 s. The
// other nodes read all entries once a second. To one of them a node is lost when its entry was deleted or has another
// instance, or when it is missing and was not renewed for 5 s, in which the reader could write and read all the time.
// So nobody is lost because NATS was away or has forgotten its memory. See tracker.go.
//
// # Messages
//
// A message is a line and a body. The line never changes: the version of the body in decimal, the name of the sender,
// its instance; see token for how names are written. The body is JSON of version 1. An unknown field is an error. A
// newer version is ignored, with one warning per node and version. A message has at most 512 KiB: the sender splits
// what is larger, and a receiver refuses it. Subjects begin with Config.Prefix, and end with the token of a node:
//
//   - roster.<sender>, to everybody: a part of the changes of the sender's drivers, at most 50 ms after a driver joined
//     or was lost and once a second for their reports; and after that a digest, {revision, position, lag, draining}. A
//     part is {from, to, whole, part, last, present, departed}. A driver is described in full when it joins, later by
//     what has changed: about 120 bytes per driver and second. All have one subject, so that they arrive in order. If
//     one is lost, the next part or digest shows that, and the receiver requests a snapshot.
//   - snapshot.<receiver>, a request with an empty object. The answers are parts as above, of all drivers of the
//     receiver. If one is lost, the request is made again after a random pause of about half a second. A node makes one
//     request at a time to each other node.
//   - verdicts.<receiver>, a request with up to 500 verdicts [{seq, driver, kind, latency_ns, reason, code, detail}],
//     answered by {not_yet: [seq]}. If the request or its answer is lost, the verdicts are sent again after 250 ms.
//   - settle.<receiver>, a request {revision}, answered by {position} or {error}, when the receiver has applied that
//     revision of the sender's drivers and [Rounds.Settle] has returned. If one is lost, the request is made again.
//
// Messages are sent by core NATS: at most once. Verdicts may be sent twice, so the receiver counts the first
// verdict of a driver.
//
// # State of the swarm
//
// The bucket <prefix>_state is on disk. It has the time at which a driver was last connected to any node
// ([Cluster.TouchSession]), and secrets that all nodes share ([Cluster.SharedSecret]).
package cluster
