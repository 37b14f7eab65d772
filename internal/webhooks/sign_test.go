package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"
)

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// verified checks the signature of a request as a receiver does, by code of its own.
func verified(t *testing.T, p posted) {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(oneSecret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(p.id() + "." + p.Header.Get("Webhook-Timestamp") + "." + p.body))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if got := p.Header.Get("Webhook-Signature"); got != want {
		t.Errorf("%s is signed %s, want %s", p.id(), got, want)
	}
}

// TestSignatureOfTheStandard has the example that the libraries of Standard Webhooks test with.
func TestSignatureOfTheStandard(t *testing.T) {
	secret, why := parseSecret(oneSecret)
	if why != "" {
		t.Fatal(why)
	}
	m := message{"msg_p5jXN8AQM9LWM0D4loKWxJek", []byte(`{"test": 2432232314}`)}
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := sign([][]byte{secret}, m, "1614265330"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	two := sign([][]byte{[]byte("another secret of 24 byte"), secret}, m, "1614265330")
	if first, second, _ := strings.Cut(two, " "); second != want || first == want || !strings.HasPrefix(first, "v1,") {
		t.Errorf("with two secrets: %s", two)
	}
}
