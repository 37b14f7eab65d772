// Package metrics has the figures of the server for Prometheus. Components report events through small interfaces of
// their own, commands are counted from the log's records, and the state of the swarm is read at each scrape. No label
// has values that grow with drivers, submitters or commands.
package metrics
