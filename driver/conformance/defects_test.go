package conformance_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/swarmcall/swarmcall/driver/conformance"
	"github.com/swarmcall/swarmcall/driver/drivertest/memnet"
)

// TestDefects gives a driver one defect at a time: the kit must fail the duty that the defect breaks.
func TestDefects(t *testing.T) {
	for defect, duty := range map[string]conformance.Duty{
		"offers nothing":          conformance.Handshake,
		"beats first":             conformance.RegisterFirst,
		"has many instances":      conformance.OneIdentity,
		"sends bad metrics":       conformance.Frames,
		"keeps its pace":          conformance.Heartbeats,
		"reports the target":      conformance.AccurateReports,
		"swallows acks":           conformance.Order,
		"applies twice":           conformance.Once,
		"forgets rejections":      conformance.Once,
		"ramps down on stop":      conformance.Stop,
		"starts again later":      conformance.Stop,
		"is silent":               conformance.ExplicitRejection,
		"ends at the unknown":     conformance.Lenient,
		"answers no ping":         conformance.Pings,
		"fences desired":          conformance.Desired,
		"applies desired always":  conformance.Desired,
		"says not how far":        conformance.ReportProgress,
		"remembers the other log": conformance.AnotherLog,
		"gives up":                conformance.Reconnect,
		"obeys a proxy":           conformance.Reconnect,
		"ignores the hint":        conformance.Drain,
		"is impatient":            conformance.CloseCodes,
		"comes back always":       conformance.CloseCodes,
		"knows no lease":          conformance.Lease,
		"stops on hold":           conformance.Lease,
		"hides the loss":          conformance.Resume,
		"forgets to take up":      conformance.Resume,
		"just goes":               conformance.Leave,
	} {
		t.Run(defect, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				report := checkNaive(t, defect, false)
				if r := report.Of(duty); r.Status != conformance.Fail {
					t.Errorf("D%d %s: %s, %s; report:\n%s", duty, duty.Title(), r.Status, r.Why, report)
				}
				var also []string
				for _, r := range report.Results {
					if r.Status == conformance.Fail {
						also = append(also, r.Duty.Title()+": "+r.Why)
					}
				}
				t.Logf("found: %s", strings.Join(also, " | "))
				if report.OK() {
					t.Error("the report is fine")
				}
			})
		})
	}
}

func checkNaive(t *testing.T, defect string, bare bool) conformance.Report {
	t.Helper()
	network := memnet.New()
	var transcript strings.Builder
	report, err := conformance.Check(t.Context(), conformance.Options{
		Listener: network, Start: startNaive(network, defect, bare), Transcript: &transcript,
	})
	if err != nil && !errors.Is(err, conformance.ErrNoDriver) {
		t.Errorf("%v; transcript:\n%s", err, transcript.String())
	}
	return report
}

func TestNoDefect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		report := checkNaive(t, "", false)
		for _, r := range report.Results {
			if r.Status != conformance.Pass && r.Duty != conformance.LocalLimits {
				t.Errorf("D%d %s: %s: %s", r.Duty, r.Duty.Title(), r.Status, r.Why)
			}
		}
	})
}

// TestBareDriver: a driver that reports no more than it must fails no duty. Duties that the kit can judge only from
// reports are not tried.
func TestBareDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		report := checkNaive(t, "", true)
		unseen := []conformance.Duty{
			conformance.AccurateReports, conformance.Stop, conformance.Lease, conformance.Resume,
			conformance.LocalLimits,
		}
		for _, r := range report.Results {
			if r.Status == conformance.Fail || (r.Status == conformance.NotTried) != slices.Contains(unseen, r.Duty) {
				t.Errorf("D%d %s: %s: %s", r.Duty, r.Duty.Title(), r.Status, r.Why)
			}
		}
	})
}
