//go:build !unix

package logfile

// InUse is not supported on this system; the server does not run on it.
func InUse(string) (bool, error) { return false, nil }

// Hold is not supported on this system; the server does not run on it.
func Hold(string) (release func(), free bool, err error) { return func() {}, true, nil }
