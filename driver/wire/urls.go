package wire

import (
	"fmt"
	"net/url"
	"strings"
)

// SplitURLs splits the URLs of the servers of one swarm: one URL, or several separated by commas. It trims the spaces
// around commas. Whether each URL is one of a server is for the caller to check.
func SplitURLs(list string) ([]string, error) {
	urls := strings.Split(list, ",")
	if len(urls) == 1 {
		return urls, nil
	}
	for i := range urls {
		urls[i] = strings.TrimSpace(urls[i])
	}
	first, seen := "", map[string]bool{}
	for i, text := range urls {
		if text == "" {
			return nil, fmt.Errorf("%q: URL %d of %d is empty; remove a comma", masked(urls), i+1, len(urls))
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			continue // the caller describes it
		}
		if first == "" {
			first = u.Scheme
		}
		if u.Scheme != first {
			return nil, fmt.Errorf("%q: %s and %s are mixed; use one scheme for all servers", masked(urls), first, u.Scheme)
		}
		at := place(u)
		if seen[at] {
			return nil, fmt.Errorf("%q: %s is listed twice; remove one of them", masked(urls), u.Redacted())
		}
		seen[at] = true
	}
	return urls, nil
}

// masked returns a list for errors, without passwords.
func masked(urls []string) string {
	var shown []string
	for _, text := range urls {
		if u, err := url.Parse(text); err == nil {
			text = u.Redacted()
		} else if strings.Contains(text, "@") {
			text = "…" // cannot tell where the password is
		}
		shown = append(shown, text)
	}
	return strings.Join(shown, ",")
}

// place is what two URLs of the same server have in common, however they are written.
func place(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "ws": "80", "https": "443", "wss": "443"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + " " + port + strings.TrimRight(u.Path, "/")
}
