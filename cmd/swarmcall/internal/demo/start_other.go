//go:build !linux

package demo

// startChild starts argv with a Guard, which ends it when the demo dies. Its output goes to log.
func startChild(name string, argv []string, log *tail) (*child, error) {
	return startPiped(name, argv, log)
}
