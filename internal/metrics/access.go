package metrics

import "github.com/swarmcall/swarmcall/internal/swarm"

// failures are the codes of requests and drivers that were refused because of who sent them, or how often.
var failures = []swarm.Code{
	swarm.CodeUnauthenticated, swarm.CodeTokenExpired, swarm.CodeForbidden, swarm.CodeOutsideScope,
	swarm.CodeSubmitterMismatch, swarm.CodeRateLimited,
}

// The files that are read again while the server runs.
const (
	FileAuth = "auth"
	FileTLS  = "tls"
)

const (
	reloadOK     = "ok"
	reloadFailed = "failed"
)

// Access counts refusals and reloads of files.
type Access struct {
	failures counts
	reloads  map[string]counts
}

func newAccess(b *book) *Access {
	refused := b.counters("swarmcall_auth_failures_total",
		"Requests and drivers that were refused because of their credential, its rights or its rate, by error code.",
		"reason")
	reloads := b.counters("swarmcall_reloads_total",
		"Readings of a file that has changed. After a failed one the previous content stays in force.", "file", "result")
	a := &Access{failures: countsOf(refused, texts(failures)), reloads: map[string]counts{}}
	for _, file := range []string{FileAuth, FileTLS} {
		a.reloads[file] = countsOf(reloads, []string{reloadOK, reloadFailed}, file)
	}
	return a
}

// Failed counts a refusal. Other codes do not count.
func (a *Access) Failed(code swarm.Code) { a.failures.add(string(code), 1) }

// Reloaded counts that a file was read again.
func (a *Access) Reloaded(file string, err error) {
	result := reloadOK
	if err != nil {
		result = reloadFailed
	}
	a.reloads[file].add(result, 1)
}
