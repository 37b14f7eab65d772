package trace

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/otlptest"
)

func TestCollector(t *testing.T) {
	const general, traces = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	for _, c := range []struct {
		name    string
		env     map[string]string
		want    string // "" for off
		refused string // the variable that is named
	}{
		{"nothing", nil, "", ""},
		{"all signals", map[string]string{general: "http://c:4318"}, "http://c:4318", ""},
		{"traces only", map[string]string{traces: "https://c/v1/traces"}, "https://c/v1/traces", ""},
		{"both", map[string]string{general: "http://a", traces: "http://b"}, "http://b", ""},
		{"disabled", map[string]string{general: "http://c", "OTEL_SDK_DISABLED": "True"}, "", ""},
		{"not disabled", map[string]string{general: "http://c", "OTEL_SDK_DISABLED": "false"}, "http://c", ""},
		{"no exporter", map[string]string{general: "http://c", "OTEL_TRACES_EXPORTER": "none"}, "", ""},
		{"no scheme", map[string]string{general: "c:4318"}, "", general},
		{"another scheme", map[string]string{traces: "grpc://c:4317"}, "", traces},
		{"no host", map[string]string{general: "http:///v1"}, "", general},
		{"no address at all", map[string]string{general: "http://user:hunter2@c\x7f"}, "", general},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := collector(func(name string) string { return c.env[name] })
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got %v, %v", got, err)
				}
				return
			}
			if err != nil || (got == nil) != (c.want == "") || got != nil && got.String() != c.want {
				t.Errorf("got %v, %v; want %s", got, err, c.want)
			}
		})
	}
}

// opened returns a Tracer for a collector, and what it logs.
func opened(t *testing.T, c *otlptest.Collector) (*Tracer, *strings.Builder) {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	var log strings.Builder
	tr, err := Open(t.Context(), Config{
		Version: "v1.2.3", Node: "n-1", Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil || tr == nil {
		t.Fatalf("Open: %v, %v", tr, err)
	}
	return tr, &log
}

// refuse makes one span.
func refuse(t *testing.T, tr *Tracer) {
	t.Helper()
	s := &swarm.Submission{Command: swarm.Command{Type: command.Stop}}
	tr.Begin(t.Context(), s)
	_ = s.Refuse(swarm.Errorf(swarm.CodeForbidden, "no"))
}

func TestOpenWithoutACollector(t *testing.T) {
	if tr, err := Open(t.Context(), Config{}); tr != nil || err != nil {
		t.Errorf("got %v, %v", tr, err)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")
	if tr, err := Open(t.Context(), Config{}); tr != nil || err == nil {
		t.Errorf("with a wrong address: %v, %v", tr, err)
	}
}

func TestTheResource(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want map[string]any
	}{
		"of the server": {nil, map[string]any{
			"service.name": "swarmcall", "service.version": "v1.2.3", "swarmcall.node": "n-1",
		}},
		"of the environment": {
			map[string]string{
				"OTEL_SERVICE_NAME": "load", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=staging,service.version=9",
			},
			map[string]any{
				"service.name": "load", "service.version": "9", "swarmcall.node": "n-1",
				"deployment.environment.name": "staging",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			collector := otlptest.New(t)
			tr, _ := opened(t, collector)
			refuse(t, tr)
			if err := tr.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			spans := collector.Spans()
			if len(spans) != 1 {
				t.Fatalf("%d spans", len(spans))
			}
			got := spans[0].Resource
			if got["host.name"] == nil || got["telemetry.sdk.language"] != "go" {
				t.Errorf("the host or the SDK is missing: %v", got)
			}
			for k := range got {
				if strings.HasPrefix(k, "telemetry.") || k == "host.name" {
					delete(got, k)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestCloseGivesUp: a collector that accepts requests and does not answer must not hold up the stop of the server, and
// no goroutine of the SDK is left.
func TestCloseGivesUp(t *testing.T) {
	collector := otlptest.New(t)
	collector.Silence()
	tr, _ := opened(t, collector)
	refuse(t, tr)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // as soon as the SDK waits for the answer
		collector.Posts(1)
		cancel()
	}()
	began := time.Now()
	if err := tr.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close returned %v", err)
	}
	if took := time.Since(began); took > 10*time.Second { // the SDK itself would wait for that long
		t.Errorf("took %v", took)
	}
}

// TestErrorsOfTheCollector: they are logged, but not each of them.
func TestErrorsOfTheCollector(t *testing.T) {
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
	collector := otlptest.New(t)
	collector.Refuse(400)
	tr, log := opened(t, collector)
	for range 20 {
		refuse(t, tr)
	}
	if err := tr.Close(t.Context()); err != nil {
		t.Error(err)
	}
	collector.Posts(20)
	if n := strings.Count(log.String(), "traces were not sent"); n != 1 || !strings.Contains(log.String(), "400") {
		t.Errorf("%d warnings:\n%s", n, log)
	}
}

func TestGRPCIsPointedOut(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	collector := otlptest.New(t)
	tr, log := opened(t, collector)
	refuse(t, tr)
	if err := tr.Close(t.Context()); err != nil || len(collector.Spans()) != 1 {
		t.Errorf("%v, %d spans", err, len(collector.Spans()))
	}
	if !strings.Contains(log.String(), "is grpc, but traces are sent by HTTP") {
		t.Errorf("no warning:\n%s", log)
	}
}
