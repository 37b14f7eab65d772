// Package yamlfile reads configuration files strictly: one document without anchors, aliases, tags or duplicate keys.
// It returns nodes, so that all errors of a file are found at once, each with its line. No error shows a secret.
package yamlfile
