//go:build !unix

package logfile

// InUse is not supported on this system; the server does not run on it.
func InUse(string) (bool, error) { return false, nil }
