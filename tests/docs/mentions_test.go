package docs

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	routeForm  = regexp.MustCompile("`(GET|POST|HEAD|PUT|PATCH|DELETE) (/[^ `?]*)")
	statusForm = regexp.MustCompile("\\b([1-5][0-9]{2}) `([a-z_]+)`")
	closeForm  = regexp.MustCompile(`\b(?:[Cc]lose codes?|[Cc]losed?s? (?:the session )?with) ([1-4][0-9]{3})\b`)
	ownClose   = regexp.MustCompile(`\b(40[0-9]{2})\b`) // the server's own codes
	exitForm   = regexp.MustCompile(`\b[Ee]xits?(?: code)?(?: is)?(?: with)? ([0-9]{1,3})\b`)
	metricForm = regexp.MustCompile(`\bswarmcall_[a-z_]+\b`)
	parameters = regexp.MustCompile(`\{[^}]*\}`)
)

// TestMentions: the routes, error codes, close codes, exit codes and metrics that any document names are in the code.
func TestMentions(t *testing.T) {
	errors, closes, figures := errorCodes(t), firstWords(closeCodes(t)), firstWords(metricNames())
	exits := slices.Concat(exitCodes(t), serverExitCodes(t))
	served := append(opsRoutes(t), firstTwo(routes())...)
	seen := map[string]int{}
	for path, text := range documents(t) {
		for _, m := range routeForm.FindAllStringSubmatch(text, -1) {
			seen["routes"]++
			if !isServed(served, m[1], m[2]) {
				t.Errorf("%s: there is no route %s %s", path, m[1], m[2])
			}
		}
		for _, m := range statusForm.FindAllStringSubmatch(text, -1) {
			seen["error codes"]++
			if line := m[1] + " " + m[2]; !slices.Contains(errors, line) {
				t.Errorf("%s: there is no error %s", path, line)
			}
		}
		for _, name := range metricForm.FindAllString(text, -1) {
			seen["metrics"]++
			if !slices.Contains(figures, name) {
				t.Errorf("%s: there is no metric %s", path, name)
			}
		}
		prose := fences.ReplaceAllString(text, "") // a proxy may have 4000 connections
		for _, m := range slices.Concat(closeForm.FindAllStringSubmatch(prose, -1),
			ownClose.FindAllStringSubmatch(prose, -1)) {
			seen["close codes"]++
			if m[1] != "4000" && !slices.Contains(closes, m[1]) { // "a code of 4000 or above"
				t.Errorf("%s: there is no close code %s", path, m[1])
			}
		}
		for _, m := range exitForm.FindAllStringSubmatch(text, -1) {
			seen["exit codes"]++
			if !slices.Contains(exits, m[1]) {
				t.Errorf("%s: there is no exit code %s", path, m[1])
			}
		}
	}
	for what, least := range map[string]int{
		"routes": 50, "error codes": 20, "close codes": 30, "exit codes": 15, "metrics": 20,
	} {
		if seen[what] < least {
			t.Errorf("found only %d %s", seen[what], what)
		}
	}
}

// isServed reports whether one of the routes is that of a path, which may have parameters in braces.
func isServed(routes []string, method, path string) bool {
	if method == "HEAD" {
		method = "GET"
	}
	return slices.ContainsFunc(routes, func(route string) bool {
		form := strings.ReplaceAll(regexp.QuoteMeta(parameters.ReplaceAllString(route, "\x00")), "\x00", "[^/]+")
		form = strings.ReplaceAll(form, `\*`, ".*")
		ok, err := regexp.MatchString("^"+form+"$", method+" "+path)
		return err == nil && ok
	})
}

// firstTwo returns the method and the pattern of routes, without what they need.
func firstTwo(lines []string) (out []string) {
	for _, line := range lines {
		out = append(out, line[:strings.LastIndex(line, " ")])
	}
	return out
}

func firstWords(lines []string) (words []string) {
	for _, line := range lines {
		word, _, _ := strings.Cut(line, " ")
		words = append(words, word)
	}
	return words
}
