package access

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/auth/authfile"
)

// canaries are tokens that were put in somewhere. Each place has its own, so that a hit names the place.
type canaries struct {
	t      testing.TB
	places map[string]string // by what is searched for
	hits   map[string]bool
	texts  int
	bytes  int
}

func newCanaries(t testing.TB) *canaries {
	return &canaries{t: t, places: map[string]string{}, hits: map[string]bool{}}
}

// telling is how much of the 43 characters after the prefix is a hit: a text that was cut counts too.
const telling = 24

// put makes the token of a place.
func (c *canaries) put(place string) string {
	secret, _ := authfile.NewSecret()
	c.remember(secret, place)
	return secret
}

// remember looks out for a token, as it is and as a password of basic authentication.
func (c *canaries) remember(secret, place string) {
	c.places[needle(secret)] = place
	c.places[needle("xxxx"+basic(secret))] = place + " (base64)"
}

// needle is what is searched for: some servers lower the case of names.
func needle(secret string) string { return strings.ToLower(secret[4 : 4+telling]) }

func basic(secret string) string { return base64.StdEncoding.EncodeToString([]byte("user:" + secret)) }

// only looks for one token.
func (c *canaries) only(secret, where, text string) {
	c.t.Helper()
	c.searchFor([]string{needle(secret), needle("xxxx" + basic(secret))}, where, text)
}

// search looks for all tokens.
func (c *canaries) search(where, text string) {
	c.t.Helper()
	all := make([]string, 0, len(c.places))
	for part := range c.places {
		all = append(all, part)
	}
	c.searchFor(all, where, text)
}

func (c *canaries) searchFor(parts []string, where, text string) {
	c.t.Helper()
	c.texts, c.bytes = c.texts+1, c.bytes+len(text)
	text = strings.ToLower(text)
	for _, part := range parts {
		at := strings.Index(text, part)
		if hit := where + " has the token of: " + c.places[part]; at >= 0 && !c.hits[hit] {
			c.hits[hit] = true
			c.t.Errorf("%s: …%q…", hit, text[max(0, at-80):min(len(text), at+telling+40)])
		}
	}
}

// searchFiles looks into every file below a directory; but leaves out those with one of the names.
func (c *canaries) searchFiles(dir string, but ...string) {
	c.t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || slices.Contains(but, entry.Name()) {
			return err
		}
		b, err := os.ReadFile(path)
		files++
		c.search("the file "+strings.TrimPrefix(path, dir), string(b))
		return err
	})
	if err != nil || files == 0 {
		c.t.Errorf("%d files in %s: %v", files, dir, err)
	}
}

// searchProcess looks at what other users of the machine may see of a process, and at its environment.
func (c *canaries) searchProcess(name string, pid int) {
	c.t.Helper()
	for _, part := range []string{"cmdline", "environ", "comm"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, part))
		if err != nil {
			c.t.Fatal(err)
		}
		c.search(name+", "+part, string(b))
	}
}
