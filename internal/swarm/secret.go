package swarm

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// secretForm is what a token of this server looks like. It is wider than the tokens that are made today, so that a part
// of one is recognized too. The command line has this package and must start fast, so it is compiled when needed.
var secretForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`swc_[A-Za-z0-9_-]{20,}`) })

const secretPrefix = "swc_"

// HasSecret reports whether a text contains what looks like a token. Such a text is refused where a token does not
// belong, before it is stored or logged: people paste tokens into the wrong field.
func HasSecret(s string) bool {
	return strings.Contains(s, secretPrefix) && secretForm().MatchString(s)
}

// hookSecretForm is what the secret of a webhook looks like.
var hookSecretForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`whsec_[A-Za-z0-9+/_=-]{20,}`)
})

const hookSecretPrefix = "whsec_"

// MaskSecrets replaces what looks like a token or the secret of a webhook.
func MaskSecrets(s string) string {
	if strings.Contains(s, secretPrefix) {
		s = secretForm().ReplaceAllString(s, secretPrefix+"***")
	}
	if strings.Contains(s, hookSecretPrefix) {
		s = hookSecretForm().ReplaceAllString(s, hookSecretPrefix+"***")
	}
	return s
}

// noSecret adds a field error if one of the texts contains what looks like a token.
func noSecret(bad []FieldError, pointer string, texts ...string) []FieldError {
	if !slices.ContainsFunc(texts, HasSecret) {
		return bad
	}
	return append(bad, FieldError{
		Pointer: pointer, Detail: "contains what looks like a token; remove it, and revoke that token",
	})
}
