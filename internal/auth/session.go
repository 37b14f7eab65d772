package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/auth/authfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// sessionTTL is how long a session lasts, unless its token expires before.
const sessionTTL = 8 * time.Hour

// KeyBytes is the length of the key that seals sessions.
const KeyBytes = 32

// purpose is sealed with each session, so that nothing else that the key may seal one day passes for a session.
var purpose = []byte("swarmcall session 1")

// encoding gives each session one text.
var encoding = base64.RawURLEncoding.Strict()

// session is the content of a session cookie.
type session struct {
	ID      string `json:"id"`      // random; to sign out
	Hash    string `json:"hash"`    // hex SHA-256 of the token
	Expires int64  `json:"expires"` // seconds since the Unix epoch
}

func (s session) expires() time.Time { return time.Unix(s.Expires, 0) }

func (s session) hash() (h [32]byte) {
	_, _ = hex.Decode(h[:], []byte(s.Hash)) // the server has sealed it
	return h
}

// sealer seals sessions, so that nobody can read or forge them.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (sealer, error) {
	if len(key) != KeyBytes {
		return sealer{}, fmt.Errorf("the session key has %d bytes; it must have %d", len(key), KeyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

func (s sealer) seal(v session) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return encoding.EncodeToString(s.aead.Seal(nil, nil, b, purpose)), nil //nolint:gosec // it makes a random nonce itself
}

func (s sealer) open(value string) (v session, ok bool) {
	sealed, err := encoding.DecodeString(value)
	if err != nil || strings.ContainsAny(value, "\r\n") { // which the decoder skips
		return v, false
	}
	b, err := s.aead.Open(nil, nil, sealed, purpose)
	if err != nil || json.Unmarshal(b, &v) != nil {
		return v, false
	}
	return v, true
}

// SignIn returns the value of a session cookie for a token, when it expires, and whose it is.
func (k *Keeper) SignIn(secret string) (cookie string, expires time.Time, who swarm.Principal, err error) {
	p, err := k.byToken(strings.TrimSpace(secret))
	if err != nil {
		return "", time.Time{}, swarm.Principal{}, err
	}
	expires = time.Now().Add(sessionTTL).Truncate(time.Second)
	if !p.Expires.IsZero() && p.Expires.Before(expires) {
		expires = p.Expires
	}
	hash := authfile.Hash(strings.TrimSpace(secret))
	cookie, err = k.seal.seal(session{ID: rand.Text(), Hash: hex.EncodeToString(hash[:]), Expires: expires.Unix()})
	p.Credential, p.Expires = cookiePrefix+authfile.Fingerprint(hash), expires
	return cookie, expires, p, err
}

// SignOut ends the session of a cookie. A restart forgets that, so a copy of the cookie is then good again until it
// expires; to end it for certain, revoke the token.
func (k *Keeper) SignOut(cookie string) {
	s, ok := k.seal.open(cookie)
	if !ok {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, expires := range k.ended {
		if time.Now().After(expires) {
			delete(k.ended, id)
		}
	}
	k.ended[s.ID] = s.expires()
}

func (k *Keeper) signedOut(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ended := k.ended[id]
	return ended
}

// SessionKey reads the key that seals sessions, and makes the file if there is none.
func SessionKey(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the session key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != KeyBytes {
		return nil, fmt.Errorf("the session key in %s must be 64 hex digits; remove the file to get a new one, "+
			"and everybody signs in again", path)
	}
	return key, nil
}

func newKey(path string) ([]byte, error) {
	key := make([]byte, KeyBytes)
	_, _ = rand.Read(key) // it never fails
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot make the session key: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("cannot write the session key: %w", errors.Join(err, os.Remove(path)))
	}
	return key, nil
}
