// Package drive makes a driver of a load generator: it joins a Generator to the server by the SDK, tells on stdout how it goes,
// and leaves in order: the load is at 0 before the driver deregisters.
//
// The generators are packages of their own: httpload (HTTP from within this process), k6, locust and program (anything that reads
// and writes lines). They are never linked into one another: each knows its generator and the SDK.
package drive
