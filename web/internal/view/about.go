package view

// About is how this server is set up.
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

// Failure is why a page, or a command, could not be had.
type Failure struct {
	Title, Says       string
	Errors            []Figure
	NewerURL, Newer   string     // the command that came first, or ""
	Form              *FormAgain // what was typed, to be corrected
	Calm              bool       // nothing is wrong
	BackURL, BackWord string
}
