package view

// About describes the configuration of this server.
type About struct {
	Facts  []Figure
	Limits []Figure
	Checks []CheckRow
}

// CheckRow is one condition of readiness.
type CheckRow struct {
	Badge        Badge
	Name, Detail string
}

// NewCheckRow shows a check.
func NewCheckRow(name, detail string, ok bool) CheckRow {
	if ok {
		return CheckRow{Badge{OK, "ok"}, name, detail}
	}
	return CheckRow{Badge{Bad, "failing"}, name, Plain(detail)}
}

// Failure says why a page could not be shown, or why a command was refused.
type Failure struct {
	Title, Says       string
	Errors            []Figure
	NewerURL, Newer   string     // the newer command, or ""
	Form              *FormAgain // the submitted values, to correct
	Calm              bool       // not an error
	BackURL, BackWord string
}
