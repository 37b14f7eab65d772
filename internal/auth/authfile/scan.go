package authfile

import (
	"errors"

	"go.yaml.in/yaml/v3"

	"github.com/swarmcall/swarmcall/internal/yamlfile"
)

var errNobody = errors.New("there are no tokens, so nobody could use the server; make one: swarmcall token new")

// scan returns the top mapping of the one document in b.
func scan(b []byte) (*yaml.Node, error) {
	root, err := yamlfile.Root(b, "tokens:, and a list of rows below it")
	if errors.Is(err, yamlfile.ErrEmpty) {
		return nil, errNobody
	}
	return root, err
}
