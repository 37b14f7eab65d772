package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// ProjectFile is the name of a project's file, in the working directory or above it.
const ProjectFile = ".swarmcall.yaml"

// Context is a named server.
type Context struct {
	URL       string `yaml:"url,omitempty" json:"url,omitempty"`
	TokenFile string `yaml:"token_file,omitempty" json:"token_file,omitempty"`
	CAFile    string `yaml:"ca_file,omitempty" json:"ca_file,omitempty"`
	Submitter string `yaml:"submitter,omitempty" json:"submitter,omitempty"`
}

// File is a project's or a user's file.
type File struct {
	Path     string             `yaml:"-"`
	Context  string             `yaml:"context,omitempty"`
	Contexts map[string]Context `yaml:"contexts,omitempty"`
	Own      Context            `yaml:",inline"`
}

// UserFile returns the path of the user's file; empty if there is no directory for it.
func UserFile() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "swarmcall", "config.yaml")
}

// Read reads a file; a file that does not exist is empty. It refuses unknown fields: a misspelt url must not lead to
// another server.
func Read(path string) (*File, error) {
	f := &File{Path: path}
	if path == "" {
		return f, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		d := yaml.NewDecoder(bytes.NewReader(b))
		d.KnownFields(true)
		if err = d.Decode(f); errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return nil, &clierr.Error{
			Code: clierr.Usage, What: "cannot read " + path, Cause: err,
			Hint: "allowed fields: url, token_file, ca_file, submitter, context, contexts",
		}
	}
	f.Own.TokenFile, f.Own.CAFile = beside(path, f.Own.TokenFile), beside(path, f.Own.CAFile)
	for name, c := range f.Contexts {
		c.TokenFile, c.CAFile = beside(path, c.TokenFile), beside(path, c.CAFile)
		f.Contexts[name] = c
	}
	return f, nil
}

// beside resolves a path in a file relative to that file.
func beside(file, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// readProject reads the project's file in dir or the nearest directory above.
func readProject(dir string) (*File, error) {
	if dir == "" {
		return &File{}, nil
	}
	for {
		path := filepath.Join(dir, ProjectFile)
		if _, err := os.Stat(path); err == nil {
			return Read(path)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return &File{}, nil
		}
		dir = up
	}
}

func (f *File) layer() layer {
	return layer{f.Own.URL, f.Own.TokenFile, f.Own.CAFile, f.Own.Submitter, f.Context,
		func(string) string { return f.Path }}
}

// chose reports whether an origin is this file or one of its contexts.
func (f *File) chose(origin string) bool {
	return f.Path != "" && (origin == f.Path || strings.HasPrefix(origin, f.Path+", context "))
}

// urlOf returns the server that the file names in the same place as an origin; "" if it names none there.
func (f *File) urlOf(origin string) string {
	if name, ok := strings.CutPrefix(origin, f.Path+", context "); ok {
		return f.Contexts[name].URL
	}
	if origin == f.Path {
		return f.Own.URL
	}
	return ""
}

// contextsOf returns the contexts of both files; for the same name, the project's file wins.
func contextsOf(project, user *File) map[string]layer {
	all := map[string]layer{}
	for _, f := range []*File{user, project} {
		for name, c := range f.Contexts {
			origin := f.Path + ", context " + name
			all[name] = layer{c.URL, c.TokenFile, c.CAFile, c.Submitter, "", func(string) string { return origin }}
		}
	}
	return all
}

func unknownContext(chosen Value, all map[string]layer) error {
	names := slices.Sorted(maps.Keys(all))
	return &clierr.Error{
		Code: clierr.Usage, What: fmt.Sprintf("there is no context %q (from %s)", chosen.Value, chosen.Origin),
		Hint: "existing contexts: " + strings.Join(names, ", ") + "\ncreate one: swarmcall context set NAME --url URL",
	}
}

// Write replaces the file atomically.
func (f *File) Write() error {
	b, err := yaml.Marshal(f)
	if err != nil {
		return err
	}
	return replace(f.Path, b)
}

// replace writes a file of this user at once, for nobody else to read.
func replace(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".config-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
