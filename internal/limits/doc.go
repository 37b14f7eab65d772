// Package limits bounds how often somebody may ask. A [Keyed] has one bucket of tokens for each key, which is the name
// of a principal or an address. [Limits] are the figures of a server, [Budgets] the buckets that it keeps by them.
//
// A Stop has a budget of its own: a client that has used up its commands can still stop the load that it started.
// Requests without a valid credential are counted by address, and not at all against the principal that they name:
// nobody can use up the budget of another.
package limits
