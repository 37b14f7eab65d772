// Package certs keeps the certificate of a TLS server current. It reads a pair of files, and reads them again once a
// second: certificates are replaced in place, by a rename or, in Kubernetes, by a symbolic link, and all three look the
// same to a reader of contents. A pair that cannot be used never replaces one that can. Connections that are open keep
// the certificate of their handshake.
package certs
