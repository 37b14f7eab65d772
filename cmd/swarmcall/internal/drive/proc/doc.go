// Package proc runs the process of a load generator. It keeps the last lines of its output. No process that the
// generator started outlives the driver, because no load may run without control.
//
// On Linux a guard process stands between the driver and the generator. The guard is this program again
// (RunGuardIfRequested):
//
//	driver ── guard ── generator ── whatever the generator starts
//
// The guard is a subreaper: a descendant whose parent has died becomes the guard's child, even in a session of its own,
// so that all descendants stay below the guard. The guard holds the read end of a pipe from the driver. When the pipe
// closes, however the driver ended, the guard kills its descendants until the kernel reports that it has no child left.
// If the guard itself is killed, its descendants become the driver's children, because the driver is a subreaper too,
// and the driver kills them.
//
// Limits: if driver and guard are both killed by SIGKILL at the same moment, the kernel kills the generator
// (parent-death signal), but not what the generator started. A process that changed its user id cannot be killed by
// an unprivileged guard.
//
// On other systems there is no subreaper: the generator runs directly below the driver, and Unguarded returns a warning
// about it.
package proc
