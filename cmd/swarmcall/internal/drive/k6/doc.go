// Package k6 turns k6 1.x into a driver. The executor externally-controlled of k6 accepts the number of its VUs over a
// REST API while it runs. K6 is a process that the driver starts, or one that already runs; no part of it is linked or
// downloaded (it is under the AGPL).
//
// What k6 1.8.1 does, tested and for the most part recorded in k6test:
//
//   - k6 answers a PATCH of vus when the change is done. It initialises VUs beyond vus-max one after the other, and
//     meanwhile accepts nothing else, not even a Stop. So the driver raises vus-max in steps of a bounded size.
//   - Scaling down interrupts iterations and waits for them (hardStop): vus 0 ends the load at once and keeps the
//     process, while "stopped" would end the process. So a Stop is vus 0.
//   - k6 refuses vus above vus-max with 400; vus-max may not fall below what the script starts with.
//   - There is no spawn rate: the driver ramps in its own steps.
//   - After the end of the run, k6 never answers a PATCH. So every request has a timeout.
package k6
