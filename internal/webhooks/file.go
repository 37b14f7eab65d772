package webhooks

import (
	"errors"
	"fmt"
	"os"

	"github.com/swarmcall/swarmcall/internal/yamlfile"
)

// Limits of a webhooks file.
const (
	maxFileBytes = 1 << 20
	maxHooks     = 20 // each may hold a batch of records in memory
	maxSecrets   = 2
	maxURLBytes  = 2048
)

const begins = "webhooks:, and a list of rows below it"

// othersMayRead are the permission bits of users who are neither the owner nor in the group of a file.
const othersMayRead = 0o007

// readFile reads a file. It refuses what is not a regular file: a pipe would block the reader, and cannot be read a
// second time.
func readFile(path string) (content []byte, exposed bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, err
	}
	if !info.Mode().IsRegular() {
		return nil, false, errors.New("it is not a regular file; the server reads it again when it changes")
	}
	if info.Size() > maxFileBytes {
		return nil, false, fmt.Errorf("it has %d bytes; at most %d are allowed", info.Size(), maxFileBytes)
	}
	content, err = os.ReadFile(path)
	return content, info.Mode()&othersMayRead != 0, err
}

// parse reads and checks the text of a file. It returns all errors at once, with their lines.
func parse(b []byte) ([]*hook, error) {
	if len(b) > maxFileBytes {
		return nil, fmt.Errorf("the file has more than %d bytes", maxFileBytes)
	}
	root, err := yamlfile.Root(b, begins)
	if errors.Is(err, yamlfile.ErrEmpty) {
		return nil, fmt.Errorf("the file is empty; it must begin with %s", begins)
	}
	if err != nil {
		return nil, err
	}
	var bad yamlfile.Faults
	rows := rowsOf(root, &bad)
	checkNames(rows, &bad)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	hooks := make([]*hook, len(rows))
	for i, r := range rows {
		hooks[i] = &r.hook
	}
	return hooks, nil
}

func checkNames(rows []*row, bad *yamlfile.Faults) {
	lines := map[string]int{}
	for _, r := range rows {
		if first, twice := lines[r.name]; twice && r.name != "" {
			bad.Add("line %d, %s: the name is already on line %d; names are unique", r.line, r.called(), first)
		} else {
			lines[r.name] = r.line
		}
	}
}
