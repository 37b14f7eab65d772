// Package drive makes a driver of a load generator: it joins a Generator to the server by the SDK, tells on stdout how
// it goes, and leaves in order: the load is at 0 before the driver deregisters.
//
// The generators are packages of their own: httpload (HTTP from within this process), k6, locust and program (anything
// that reads and writes lines). Each knows its own generator and nothing of the others.
package drive
