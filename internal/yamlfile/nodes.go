package yamlfile

import "go.yaml.in/yaml/v3"

// Fields calls each for the fields of a mapping. It stops at no error: all of them are wanted.
func Fields(n *yaml.Node, each func(name string, value *yaml.Node)) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		each(n.Content[i].Value, n.Content[i+1])
	}
}

// Field returns the value of a field; nil if it is not there.
func Field(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// Text returns the value of a scalar as it is written; ok is false for anything else, and for null.
func Text(n *yaml.Node) (s string, ok bool) {
	return n.Value, n.Kind == yaml.ScalarNode && n.Tag != "!!null"
}
