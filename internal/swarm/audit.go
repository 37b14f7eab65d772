package swarm

import "time"

// AuditKind says what an event of the audit log is about.
type AuditKind string

// The kinds. Clients should ignore those that they do not know.
const (
	AuditRefused             AuditKind = "refused"              // a request or a driver: who it is, or how often it asks
	AuditSignedIn            AuditKind = "signed_in"            // at the dashboard
	AuditSignedOut           AuditKind = "signed_out"           // of the dashboard
	AuditStarted             AuditKind = "started"              // the server
	AuditStopped             AuditKind = "stopped"              // the server, in order; a crash has no event
	AuditReloaded            AuditKind = "reloaded"             // the auth file; the detail names what has changed
	AuditReloadFailed        AuditKind = "reload_failed"        // the old auth file stays in force
	AuditCertificateReloaded AuditKind = "certificate_reloaded" // of TLS
	// the old certificate stays in force
	AuditCertificateReloadFailed AuditKind = "certificate_reload_failed"
	AuditLost                    AuditKind = "lost" // events were not written; recorded by the audit log itself
)

// AuditKinds lists every kind in the order documents show them.
func AuditKinds() []AuditKind {
	return []AuditKind{AuditRefused, AuditSignedIn, AuditSignedOut, AuditStarted, AuditStopped, AuditReloaded,
		AuditReloadFailed, AuditCertificateReloaded, AuditCertificateReloadFailed, AuditLost}
}

// AuditEvent is one event of the audit log. Fields that do not apply are zero. It must not contain a secret.
type AuditEvent struct {
	At       time.Time // zero when it is recorded: now
	Kind     AuditKind
	Name     string // of the principal; "" for nobody
	Code     Code   // why it was refused
	Method   string
	Route    string // the pattern of the route, not the path, which a client could vary without end
	Detail   string
	DriverID string
	Count    int       // of a refusal: how many it stands for; of AuditLost: how many are missing
	Until    time.Time // of an event that stands for several: when the last of them was
	Via      Via
}
