// Package assets contains the style sheets, modules and icon of the dashboard, and serves them under a path that
// changes when their content changes.
package assets

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
)

//go:embed *.css *.svg js/*.js
var files embed.FS

// Build identifies the content of all assets. A page with another value is older than the server.
var Build = build()

// Base is the path below which Handler serves.
var Base = "/ui/assets/" + Build

func build() string {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(path)
		sum.Write([]byte(path + "\n"))
		sum.Write(content)
		return err
	})
	if err != nil {
		panic("assets: " + err.Error()) // embedded files are always readable
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

var server = http.StripPrefix(Base, http.FileServerFS(files))

// Serve serves the assets below Base. Their path identifies their content, so browsers may cache them without a limit.
func Serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == Base+"/" || r.URL.Path == Base+"/js/" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	server.ServeHTTP(w, r)
}
