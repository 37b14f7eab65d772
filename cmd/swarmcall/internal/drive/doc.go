// Package drive turns a load generator into a driver: it connects a Generator to the server with the SDK, reports
// progress on stdout, and ends in order: the load is at 0 before the driver deregisters.
//
// Each generator has its own package: httpload (HTTP from this process), k6, locust and program (any program that reads
// and writes lines). These packages do not depend on each other.
package drive
