package app

import (
	"slices"
	"sync"
)

// File is a configuration file of a running server.
type File struct {
	Path string
	Read func() error // reads it again; on an error the previous content stays in force
}

// Reloads are the configuration files of a server, for the owner of its process, who reloads them on SIGHUP. The zero
// value has none.
type Reloads struct {
	mu    sync.Mutex
	files []File
}

// Add adds a file. Without a Reloads it does nothing.
func (r *Reloads) Add(path string, read func() error) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files = append(r.files, File{Path: path, Read: read})
}

// Files returns the files that were added.
func (r *Reloads) Files() []File {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.files)
}
