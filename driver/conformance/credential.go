package conformance

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"github.com/swarmcall/swarmcall/driver/internal/script"
)

// Codes of the refusals that the kit answers.
const (
	tokenExpired    = "token_expired"
	unauthenticated = "unauthenticated"
)

// credential is what the kit knows about the driver's token. Its zero value demands none. The kit's gate guards it.
type credential struct {
	token    string        // that the driver must present; empty: any
	refuse   string        // code of the refusal for the next request; empty: none
	answered chan struct{} // closed when that refusal is answered
}

// authentic reports whether the driver presents its token and the script does not refuse it. If not, it has answered.
func (k *kit) authentic(w http.ResponseWriter, r *http.Request) bool {
	k.gate.Lock()
	defer k.gate.Unlock()
	if k.credential.token == "" {
		return true
	}
	code := k.credential.refuse
	if presented := r.Header.Get("Authorization"); presented != "Bearer "+k.credential.token {
		k.fail(Handshake, "presented %s", describeToken(presented))
		code = unauthenticated
	}
	if code == "" {
		return true
	}
	if code == tokenExpired {
		k.rotate()
	}
	k.refuseToken(w, code)
	if k.credential.answered != nil {
		close(k.credential.answered)
		k.credential.refuse, k.credential.answered = "", nil
	}
	return false
}

// describeToken describes a wrong credential without showing it.
func describeToken(presented string) string {
	if presented == "" {
		return "no token; want Authorization: Bearer with the content of its token file"
	}
	return "another token than its token file has now"
}

// rotate replaces the content of the driver's token file, if the kit can. The caller holds the gate.
func (k *kit) rotate() {
	if k.opts.Rotate == nil {
		return
	}
	token := "swc_" + rand.Text()
	if err := k.opts.Rotate(token); err != nil {
		k.say("cannot replace the token: %v", err)
		return
	}
	k.credential.token = token
}

func (k *kit) refuseToken(w http.ResponseWriter, code string) {
	k.record.write(script.Event{At: time.Now(), From: "kit", What: "note", Detail: "answers 401 " + code})
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("WWW-Authenticate", "Bearer")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = fmt.Fprintf(w, `{"type":"urn:swarmcall:problem:%s","title":"Unauthorized","status":401,"code":%q,`+
		`"detail":"as the check wants"}`, code, code)
}

// refuseNext refuses the token of the next request to connect. The channel is closed when that is answered.
func (k *kit) refuseNext(code string) <-chan struct{} {
	k.gate.Lock()
	defer k.gate.Unlock()
	k.credential.refuse, k.credential.answered = code, make(chan struct{})
	return k.credential.answered
}

// await waits for something that the driver does, and reports whether it did in time.
func (k *kit) await(done <-chan struct{}, within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
	case <-k.ctx.Done():
	}
	return false
}

// expiredToken refuses the token as expired when the driver reconnects, and replaces it. The driver has to try again,
// with its token file read again.
func (s *session) expiredToken() *session {
	if s.opts.Token == "" {
		return s
	}
	answered := s.refuseNext(tokenExpired)
	s.conn.Drop()
	if !s.await(answered, comeback) {
		s.fail(Reconnect, "did not reconnect within %v", comeback)
		return nil
	}
	next := s.back(time.Now(), 0, Handshake)
	if next == nil {
		s.fail(Handshake, "did not try again after 401 %s, which is no refusal for a driver with a token file",
			tokenExpired)
		return nil
	}
	s.pass(Handshake, "tried again after 401 %s", tokenExpired)
	next.accept(welcome{onLeaseLost: "stop"})
	return next.orBack()
}

// refusedToken refuses the token of a new driver for good. That needs Options.Start.
func (k *kit) refusedToken() error {
	if k.opts.Token == "" || k.opts.Start == nil || k.id == "" || k.ctx.Err() != nil {
		return nil
	}
	k.say("a token that is refused")
	answered := k.refuseNext(unauthenticated)
	if err := k.start(); err != nil {
		return err
	}
	if !k.await(answered, k.opts.Patience) {
		k.fail(Handshake, "did not connect after a restart")
		return nil
	}
	k.expectNoReconnect(Handshake, "401 "+unauthenticated)
	return nil
}
