package view

// Overview is the first page.
type Overview struct {
	Drivers  []DriverRow
	Commands []CommandRow
	LogDown  bool
}

// NewOverview shows w.
func NewOverview(w World) Overview {
	o := Overview{LogDown: w.LogErr != nil}
	for _, d := range w.Drivers {
		o.Drivers = append(o.Drivers, NewDriverRow(d))
	}
	for _, e := range w.Recent {
		o.Commands = append(o.Commands, NewCommandRow(e))
	}
	return o
}
