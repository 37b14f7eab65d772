package trace

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// serviceName is the name of the server in traces, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES has another.
const serviceName = "swarmcall"

// Config is what a Tracer says about its server.
type Config struct {
	Version string // of the program
	Node    string // name of the server
	Logger  *slog.Logger
}

// Open returns a Tracer that sends spans to the collector that the environment names. Without one it returns nil, which
// is a Tracer that makes no spans. The SDK reads the other variables, such as OTEL_TRACES_SAMPLER. Open does not
// connect. It sets where the SDK reports errors, which is one place for the whole process.
func Open(ctx context.Context, cfg Config) (*Tracer, error) {
	to, err := collector(os.Getenv)
	if err != nil || to == nil {
		return nil, err
	}
	otel.SetLogger(logr.FromSlogHandler(cfg.Logger.With("component", "OpenTelemetry").Handler()))
	otel.SetErrorHandler(&complaints{logger: cfg.Logger})
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot send traces: %w", err)
	}
	about, err := resourceOf(ctx, cfg)
	if err != nil {
		cfg.Logger.Warn("traces do not have all that the environment says about this server", "err", err)
	}
	if protocolOf(os.Getenv) == "grpc" {
		cfg.Logger.Warn("OTEL_EXPORTER_OTLP_PROTOCOL is grpc, but traces are sent by HTTP: the port of the collector may " +
			"be the wrong one; that for HTTP is often 4318")
	}
	cfg.Logger.Info("commands are traced", "collector", to.Redacted())
	return newTracer(exporter, about), nil
}

// collector returns the address of the collector that the environment names; nil if traces are off.
func collector(env func(string) string) (*url.URL, error) {
	if strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") || env("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil //nolint:nilnil // off is no error
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		value := env(name)
		if value == "" {
			continue
		}
		// the value is not shown: it may have a password
		u, err := url.Parse(value)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("the environment variable %s is not the address of a collector; "+
				"it must be one such as http://127.0.0.1:4318", name)
		}
		return u, nil
	}
	return nil, nil //nolint:nilnil // off is no error
}

// protocolOf returns the protocol by which the environment wants traces to be sent.
func protocolOf(env func(string) string) string {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if value := env(name); value != "" {
			return value
		}
	}
	return ""
}

// resourceOf describes the server. What the environment says comes last, and wins. With an error the resource is
// usable, but incomplete.
func resourceOf(ctx context.Context, cfg Config) (*resource.Resource, error) {
	return resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(), resource.WithAttributes(
		attribute.String("service.name", serviceName), attribute.String("service.version", cfg.Version),
		attribute.String("swarmcall.node", cfg.Node),
	), resource.WithFromEnv())
}

func newTracer(exporter sdktrace.SpanExporter, about *resource.Resource) *Tracer {
	out := &ending{SpanExporter: exporter, ended: make(chan struct{})}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(out), sdktrace.WithResource(about))
	return &Tracer{
		provider: provider, out: out, spans: provider.Tracer("github.com/swarmcall/swarmcall"),
		open: map[uint64]*follower{}, more: make(chan struct{}),
	}
}

// ending is an exporter that says when the goroutine of the SDK is done with it.
type ending struct {
	sdktrace.SpanExporter
	ended chan struct{}
}

// Shutdown is called once, by that goroutine.
func (e *ending) Shutdown(ctx context.Context) error {
	close(e.ended)
	return e.SpanExporter.Shutdown(ctx)
}
