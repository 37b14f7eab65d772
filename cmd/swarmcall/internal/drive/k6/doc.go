// Package k6 makes a driver of k6 1.x, whose executor externally-controlled takes the number of its VUs over a REST
// API while it runs. K6 is a process of its own, or one that runs already; nothing of it is linked or fetched (it is
// under the AGPL).
//
// What k6 1.8.1 does, tried and for the most part recorded in k6test:
//
//   - A PATCH of vus is answered when it is done: VUs beyond vus-max are initialised one after the other, and while
//     that goes on nothing else is taken, a Stop neither. So vus-max is raised in steps of a bounded size.
//   - To scale down interrupts iterations and waits for them (hardStop): vus 0 ends the load at once and keeps the
//     process, while "stopped" would end it. So a Stop is vus 0.
//   - Above vus-max k6 refuses with 400; vus-max may not fall below what the script starts with.
//   - There is no spawn rate: the driver ramps by steps of its own.
//   - After the run's end a PATCH is never answered. So every request has a deadline.
package k6
