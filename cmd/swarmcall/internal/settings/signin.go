package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// TokenPath is where a token for a context is stored, beside the user's file; for the context "" that of the file's own
// server. Each context has a file of its own, whatever characters its name has.
func TokenPath(userFile, context string) string {
	name := "token"
	if context != "" {
		name = url.QueryEscape(context) + ".token"
	}
	return filepath.Join(filepath.Dir(userFile), name)
}

// SignIn stores a token, and makes a context of the user's file use it for a server.
func (f *File) SignIn(context, address, token string) error {
	path := TokenPath(f.Path, context)
	if err := replace(path, []byte(token+"\n")); err != nil {
		return err
	}
	f.setToken(context, address, path)
	return f.Write()
}

// SignOut makes a context use no token. It returns the path of the token that the context has used, "" for none, and
// removes that file if SignIn has made it.
func (f *File) SignOut(context string) (path string, removed bool, err error) {
	c, known := f.Contexts[context]
	if context == "" {
		c, known = f.Own, true
	}
	if !known {
		return "", false, &clierr.Error{
			Code: clierr.Usage, What: fmt.Sprintf("there is no context %q in %s", context, f.Path),
			Hint: "list the contexts: swarmcall context list",
		}
	}
	if c.TokenFile == "" {
		return "", false, nil
	}
	if c.TokenFile == TokenPath(f.Path, context) {
		removed = true
		if err := os.Remove(c.TokenFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return c.TokenFile, false, err
		}
	}
	f.setToken(context, c.URL, "")
	return c.TokenFile, removed, f.Write()
}

func (f *File) setToken(context, address, path string) {
	if context == "" {
		f.Own.URL, f.Own.TokenFile = address, path
		return
	}
	if f.Contexts == nil {
		f.Contexts = map[string]Context{}
	}
	c := f.Contexts[context]
	c.URL, c.TokenFile = address, path
	f.Contexts[context] = c
}
