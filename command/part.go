package command

import "encoding/json"

// Part is one driver's share of a total.
type Part struct {
	DriverID string
	Type     Type
	Value    int64 // in the unit of the type
}

// MarshalJSON writes the id, and the value under its name in a command: {"driver_id":"d-1","players":5}.
func (p Part) MarshalJSON() ([]byte, error) {
	id, err := json.Marshal(p.DriverID)
	if err != nil {
		return nil, err
	}
	r := p.Type.row()
	return []byte(`{"driver_id":` + string(id) + `,"` + r.Value + `":` + r.Number(p.Value) + `}`), nil
}
