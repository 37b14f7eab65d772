// Package proc runs the process of a load generator. Its last lines are kept, and nothing that it started outlives
// the driver: load without control must not run on.
//
// On Linux a guard process stands between the driver and the generator. The guard is this program again (GuardIfAsked):
//
//	driver ── guard ── generator ── whatever the generator starts
//
// The guard is a subreaper: a descendant whose parent has died becomes the guard's child, also when it has a session
// of its own, so that all of them stay below it. It holds the read end of a pipe from the driver. When that ends,
// however the driver ended, it kills its descendants until the kernel says that it has no child left. If the guard
// itself is killed, its descendants become the driver's children, because the driver is a subreaper too, and the
// driver kills them.
//
// What is left: if driver and guard are both killed by SIGKILL at the same moment, the kernel kills the generator
// (parent-death signal), but not what the generator started. A process that changed its user id cannot be killed by
// an unprivileged guard.
//
// On other systems there is no subreaper: the generator runs directly below the driver, and Unguarded says so for a
// warning.
package proc
