package authfile

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// SecretPrefix begins each secret, so that scanners for leaked secrets recognise it.
const SecretPrefix = "swc_"

const hashPrefix = "sha256:"

// NewSecret returns a new secret of 256 random bits, and its hash.
func NewSecret() (secret string, hash [32]byte) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // it never fails: it ends the process instead
	secret = SecretPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	return secret, Hash(secret)
}

// Hash returns the hash of a secret, as the auth file has it. A secret is random, so a hash that is slow on purpose
// would protect nothing.
func Hash(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// Fingerprint names a hash in lists and logs: its first 8 hex digits.
func Fingerprint(hash [32]byte) string { return hex.EncodeToString(hash[:4]) }

// hashText is how the file writes a hash.
func hashText(hash [32]byte) string { return hashPrefix + hex.EncodeToString(hash[:]) }

// parseHash reads what hashText wrote.
func parseHash(s string) (hash [32]byte, ok bool) {
	digits, ok := strings.CutPrefix(s, hashPrefix)
	if !ok || len(digits) != hex.EncodedLen(len(hash)) {
		return hash, false
	}
	_, err := hex.Decode(hash[:], []byte(digits))
	return hash, err == nil
}
