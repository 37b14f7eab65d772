package authfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/swarmcall/swarmcall/internal/yamlfile"
)

// header begins a new file.
const header = "# Who may use the server. swarmcall token new, revoke and list edit this file; swarmcall auth check " +
	"checks it.\n# It has only hashes: no secret can be read from it.\n"

// Errors of changes.
var (
	ErrNoRow      = errors.New("there is no token of this name in the file")
	ErrNameTaken  = errors.New("there is already a token of this name in the file")
	ErrTwoHashes  = errors.New("the token has two secrets already")
	ErrNoHash     = errors.New("no secret of the token has this fingerprint")
	ErrOnlyHash   = errors.New("it is the only secret of the token")
	errNotChanged = errors.New("this file's layout cannot be changed by a program; change it by hand")
)

// Add returns the text of a file with one more row. An empty text becomes a new file.
func Add(text []byte, t Token) ([]byte, error) {
	if strings.TrimSpace(string(text)) == "" {
		text = []byte(header + "tokens:\n  - " + rowText(t) + "\n")
		_, err := Parse(text)
		return text, err
	}
	return change(text, func(f *File) (splice, error) {
		if _, taken := f.Find(t.Name); taken {
			return nil, ErrNameTaken
		}
		f.Tokens = append(f.Tokens, t)
		return addRow(t), nil
	})
}

// AddHash returns the text of a file with a second hash in the row of a name. The first stays, so that nothing that
// uses its secret fails until it has the new one.
func AddHash(text []byte, name string, hash [32]byte) ([]byte, error) {
	return changeRow(text, name, func(_ *File, row int, t *Token) (splice, error) {
		if len(t.Hashes) >= MaxHashes {
			return nil, ErrTwoHashes
		}
		t.Hashes = append(slices.Clip(t.Hashes), hash)
		return addHash(row, hash), nil
	})
}

// Remove returns the text of a file without the row of a name, and without the comment directly above it. The comment
// above the first row stays: it may be about the file.
func Remove(text []byte, name string) ([]byte, error) {
	return changeRow(text, name, func(f *File, row int, _ *Token) (splice, error) {
		f.Tokens = slices.Delete(f.Tokens, row, row+1)
		return removeRow(row), nil
	})
}

// RemoveHash returns the text of a file without one of the two hashes in the row of a name.
func RemoveHash(text []byte, name, fingerprint string) ([]byte, error) {
	return changeRow(text, name, func(_ *File, row int, t *Token) (splice, error) {
		at := slices.IndexFunc(t.Hashes, func(h [32]byte) bool { return Fingerprint(h) == fingerprint })
		switch {
		case at < 0:
			return nil, ErrNoHash
		case len(t.Hashes) == 1:
			return nil, ErrOnlyHash
		}
		t.Hashes = slices.Delete(slices.Clone(t.Hashes), at, at+1)
		return removeHash(row, at), nil
	})
}

func changeRow(text []byte, name string, edit func(f *File, row int, t *Token) (splice, error)) ([]byte, error) {
	return change(text, func(f *File) (splice, error) {
		at := slices.IndexFunc(f.Tokens, func(t Token) bool { return t.Name == name })
		if at < 0 {
			return nil, ErrNoRow
		}
		return edit(f, at, &f.Tokens[at])
	})
}

// change edits a file that is valid. edit changes the rows, and returns how the text changes. The new text is read
// back: if its rows are not the changed ones, or if the file's layout is not one that the line editor knows, then the
// text is written again from its YAML nodes, which keeps comments and order but not blank lines.
func change(text []byte, edit func(*File) (splice, error)) ([]byte, error) {
	f, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("correct the file first: %w", err)
	}
	s, err := edit(f)
	if err != nil {
		return nil, err
	}
	if len(f.Tokens) == 0 {
		return nil, fmt.Errorf("it is the last row of the file: %w", errNobody)
	}
	want := &page{lines: strings.SplitAfter(string(text), "\n")}
	if root, err := scan(text); err == nil && s.inLines(want, yamlfile.Field(root, "tokens")) {
		if result := want.text(); has(result, f) {
			return result, nil
		}
	}
	result, err := renode(text, s)
	if err != nil {
		return nil, err
	}
	if _, err := Parse(result); err != nil {
		return nil, err // what was asked for is not valid, such as a row that the others do not allow
	}
	if !has(result, f) {
		return nil, errNotChanged
	}
	return result, nil
}

// has reports whether a text has exactly the rows of f.
func has(text []byte, f *File) bool {
	same := func(a, b Token) bool { return rowText(a) == rowText(b) }
	got, err := Parse(text)
	return err == nil && slices.EqualFunc(got.Tokens, f.Tokens, same)
}
