package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// secretPrefix begins each secret. The rest is its bytes in base64.
const secretPrefix = "whsec_"

// Bytes of a secret, as Standard Webhooks has it.
const (
	minSecretBytes = 24
	maxSecretBytes = 64
)

// sign returns the signatures of a message, one with each secret: the receiver accepts a request if any of them is
// right.
func sign(secrets [][]byte, m message, timestamp string) string {
	all := make([]string, len(secrets))
	for i, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		_, _ = fmt.Fprintf(mac, "%s.%s.", m.id, timestamp) // a hash never returns an error
		_, _ = mac.Write(m.body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(all, " ")
}

// parseSecret reads a secret. The reason why it is none does not show it.
func parseSecret(s string) (secret []byte, why string) {
	digits, ok := strings.CutPrefix(s, secretPrefix)
	if !ok {
		return nil, "must begin with " + secretPrefix
	}
	secret, err := base64.StdEncoding.DecodeString(digits)
	switch {
	case err != nil:
		return nil, "must be base64 after " + secretPrefix
	case len(secret) < minSecretBytes || len(secret) > maxSecretBytes:
		return nil, fmt.Sprintf("has %d bytes; it must have %d to %d", len(secret), minSecretBytes, maxSecretBytes)
	}
	return secret, ""
}
