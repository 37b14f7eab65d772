package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"os"
)

// maxFileBytes is far above any chain of certificates: a larger file is another one by mistake.
const maxFileBytes = 1 << 20

// othersMayRead are the permission bits of users who are neither the owner nor in the group of a file.
const othersMayRead = 0o007

// files are the contents of the two files at one moment, or the error of reading them.
type files struct {
	certName, keyName string
	cert, key         []byte
	exposed           bool // other users of the machine may read the key
	err               error
}

// mark identifies the contents of the files, without keeping the key.
type mark [sha256.Size]byte

func readFiles(cfg Config) (f files) {
	f.certName, f.keyName = cfg.CertFile, cfg.KeyFile
	if f.cert, _, f.err = readFile(cfg.CertFile); f.err != nil {
		return f
	}
	var mode os.FileMode
	f.key, mode, f.err = readFile(cfg.KeyFile)
	f.exposed = mode&othersMayRead != 0
	return f
}

// readFile refuses what is not a regular file: a pipe would block the reader, and cannot be read a second time.
func readFile(name string) ([]byte, os.FileMode, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is not a regular file; the server reads it again when it changes", name)
	}
	if info.Size() > maxFileBytes {
		return nil, 0, fmt.Errorf("%s has %d bytes; a PEM file has at most %d", name, info.Size(), maxFileBytes)
	}
	b, err := os.ReadFile(name)
	return b, info.Mode(), err
}

func (f files) mark() mark {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%v %d\n", f.err, len(f.cert)) // a hash never returns an error
	_, _ = h.Write(f.cert)
	_, _ = h.Write(f.key)
	return mark(h.Sum(nil))
}

// pair reads the certificate and its key.
func (f files) pair() (tls.Certificate, error) {
	if f.err != nil {
		return tls.Certificate{}, f.err
	}
	pair, err := tls.X509KeyPair(f.cert, f.key)
	switch {
	case err == nil:
		return pair, nil
	case bytes.Contains(f.key, []byte("ENCRYPTED")):
		return pair, fmt.Errorf("the key in %s has a passphrase; the server needs a key without one", f.keyName)
	}
	return pair, fmt.Errorf("the certificate in %s and the key in %s cannot be used: %w", f.certName, f.keyName, err)
}
