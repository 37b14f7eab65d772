// Package proc runs the process of a load generator: its last words are kept, and it does not outlive the driver where the system
// can see to that. On Linux the kernel kills it when the driver dies, kill -9 included: load without control must not run on.
package proc
