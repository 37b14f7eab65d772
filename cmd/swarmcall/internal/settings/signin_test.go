package settings

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

func TestSignInAndOut(t *testing.T) {
	f := &File{Path: filepath.Join(t.TempDir(), "new", "config.yaml")}
	for _, context := range []string{"", "a/../../b", "token"} {
		if err := f.SignIn(context, "http://"+context, "t-"+context); err != nil {
			t.Fatal(err)
		}
	}
	back, err := Read(f.Path)
	if err != nil || back.Own.URL != "http://" || back.Contexts["token"].URL != "http://token" {
		t.Fatalf("%+v, %v", back, err)
	}
	entries, err := os.ReadDir(filepath.Dir(f.Path))
	if err != nil || len(entries) != 4 {
		t.Errorf("beside the file: %v, %v", entries, err)
	}
	for _, context := range []string{"", "a/../../b", "token"} {
		s := Settings{TokenFile: Value{Value: TokenPath(f.Path, context)}}
		if token, err := s.Token(); err != nil || token != "t-"+context {
			t.Errorf("%s: %q, %v", context, token, err)
		}
		if _, removed, err := back.SignOut(context); err != nil || !removed {
			t.Errorf("%s: %v, %v", context, removed, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(f.Path)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if _, _, err := back.SignOut("nowhere"); clierr.CodeOf(err) != clierr.Usage {
		t.Errorf("an unknown context: %v", err)
	}
}
