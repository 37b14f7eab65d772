package traces

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/internal/swarmtest/otlptest"
)

// TestASpanPerCommand: the span has the parent of the request, what became of the command, and is what drivers get.
func TestASpanPerCommand(t *testing.T) {
	w := start(t, nil)
	acks, rejects, hangs := w.join("d-1"), w.join("d-2"), w.join("d-3")
	answered := w.posting(`{"submitter":"ci/nightly","command":{"type":"set_players","players":7},"deadline_ms":300}`,
		"Traceparent: "+sampled, "Tracestate: vendor=1", "X-Request-Id: r-7")
	var parents []any
	frame := answer(acks)
	parents = append(parents, frame["traceparent"])
	frame = rejects.Next()
	parents = append(parents, frame["traceparent"])
	rejects.Send(fmt.Sprintf(`{"type":"command_ack","seq":%d,"status":"rejected","code":"too_many","detail":"no"}`,
		seqOf(frame)))
	parents = append(parents, hangs.Next()["traceparent"])
	a := <-answered
	if a.status != http.StatusCreated || a.fields["status"] != "partial" {
		t.Fatalf("answered %d %v", a.status, a.fields)
	}
	span := w.sent(1)[0]
	if got := fmt.Sprintf("%x %x", span.TraceId, span.ParentSpanId); got != traceID+" "+spanID {
		t.Errorf("trace and parent are %s", got)
	}
	if span.Name != "command set_players" || span.Kind != tracepb.Span_SPAN_KIND_SERVER || span.TraceState != "vendor=1" {
		t.Errorf("is %s, %v, state %q", span.Name, span.Kind, span.TraceState)
	}
	for i, got := range parents {
		if got != span.Traceparent() {
			t.Errorf("driver %d got %v, want %s", i+1, got, span.Traceparent())
		}
	}
	if diff := cmp.Diff(map[string]any{
		"swarmcall.command.type": "set_players", "swarmcall.command.value": int64(7), "swarmcall.command.total": false,
		"swarmcall.submitter": "ci/nightly", "swarmcall.deadline_ms": int64(300), "swarmcall.request_id": "r-7",
		"swarmcall.seq": seqOf(a.fields), "swarmcall.status": "partial", "swarmcall.targets": int64(3),
		"swarmcall.acked": int64(1), "swarmcall.rejected": int64(1), "swarmcall.missing": int64(1),
		"swarmcall.superseded": int64(0), "swarmcall.left_out": int64(0), "error.type": "partial",
	}, span.Has()); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if span.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR ||
		span.Status.GetMessage() != "2 of 3 drivers have not applied the command" {
		t.Errorf("status %v", span.Status)
	}
	var events []string
	at := span.StartTimeUnixNano
	for _, e := range span.Events {
		events = append(events, fmt.Sprint(e.Name, otlptest.Attributes(e.Attributes)))
		if e.TimeUnixNano < at || e.TimeUnixNano > span.EndTimeUnixNano {
			t.Errorf("%s is at %d, not in order from %d to %d", e.Name, e.TimeUnixNano, at, span.EndTimeUnixNano)
		}
		at = e.TimeUnixNano
	}
	if diff := cmp.Diff([]string{
		"issuedmap[]", "rejectedmap[swarmcall.code:too_many swarmcall.driver_id:d-2]",
		"missingmap[swarmcall.driver_id:d-3 swarmcall.reason:deadline]",
	}, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for k, want := range map[string]any{
		"service.name": "swarmcall", "service.version": "v1.2.3", "swarmcall.node": "n-1",
	} {
		if got := span.Resource[k]; got != want {
			t.Errorf("the resource has %s %v, want %v", k, got, want)
		}
	}
	if took := time.Duration(span.EndTimeUnixNano - span.StartTimeUnixNano); took < 300*time.Millisecond {
		t.Errorf("took %v, and the deadline is 300 ms", took)
	}
}

// TestLogLines: the line about the request names the trace and the command.
func TestLogLines(t *testing.T) {
	w := start(t, nil)
	d := w.join("d-1")
	first := w.posting(players, "X-Request-Id: r-1") // begins a trace
	answer(d)
	a := <-first
	second := w.posting(players, "X-Request-Id: r-2", "Traceparent: "+sampled)
	answer(d)
	b := <-second
	w.post(`{"submitter":"ci/nightly","command":{"type":"set_players","players":1},"target":{"driver_ids":["x"]}}`,
		"X-Request-Id: r-3", "Traceparent: "+sampled)
	w.post(`{"command":{"type":"fly"}}`, "X-Request-Id: r-4", "Traceparent: "+sampled)
	spans := w.sent(3)
	lines := map[any]map[string]any{}
	for _, line := range w.log.with(t, "request") {
		lines[line["request_id"]] = line
	}
	for id, want := range map[string]map[string]any{
		"r-1": {"trace_id": fmt.Sprintf("%x", spans[0].TraceId), "submitter": "ci/nightly", "command_id": a.fields["seq"]},
		"r-2": {"trace_id": traceID, "submitter": "ci/nightly", "command_id": b.fields["seq"]},
		"r-3": {"trace_id": traceID, "submitter": "ci/nightly", "command_id": nil},
		"r-4": {"trace_id": traceID, "submitter": nil, "command_id": nil},
	} {
		for key, value := range want {
			if got := lines[id][key]; got != value {
				t.Errorf("%s: %s is %v, want %v", id, key, got, value)
			}
		}
		for _, key := range []string{"time", "level", "route", "status", "duration_ms"} {
			if lines[id][key] == nil {
				t.Errorf("%s: there is no %s in %v", id, key, lines[id])
			}
		}
	}
}

// TestOff: drivers get what the client sent, and nothing if it sent nothing.
func TestOff(t *testing.T) {
	unused := otlptest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", unused.URL+"/v1/traces")
	t.Setenv("OTEL_SDK_DISABLED", "true")
	w := startOff(t, nil)
	d := w.join("d-1")
	for _, c := range []struct {
		headers []string
		want    any
	}{
		{nil, nil},
		{[]string{"Traceparent: " + sampled, "Tracestate: a=1"}, sampled},
		{[]string{"Traceparent: cc-" + sampled[3:] + "-more"}, sampled},
		{[]string{"Traceparent: 00-" + traceID + "-" + spanID + "-00"}, "00-" + traceID + "-" + spanID + "-00"},
		{[]string{"Traceparent: " + strings.ToUpper(sampled)}, nil},
		{[]string{"Traceparent: " + sampled, "Traceparent: " + sampled}, nil},
		{[]string{"Traceparent: 00-" + strings.Repeat("0", 32) + "-" + spanID + "-01"}, nil},
	} {
		answered := w.posting(players, c.headers...)
		if frame := answer(d); frame["traceparent"] != c.want {
			t.Errorf("with %q drivers get %v, want %v", c.headers, frame["traceparent"], c.want)
		}
		<-answered
	}
	w.leave()
	w.Stop()
	if n := len(unused.Spans()); n > 0 {
		t.Errorf("%d spans were sent", n)
	}
	if text := w.log.String(); strings.Contains(text, "traces") || strings.Contains(text, "traced") {
		t.Errorf("the log is about traces:\n%s", text)
	}
}

// TestAnInvalidTraceparent: it is ignored, and the command begins a trace of its own.
func TestAnInvalidTraceparent(t *testing.T) {
	w := start(t, nil)
	d := w.join("d-1")
	bad := []string{"", "00-x", sampled + "-more", "ff-" + sampled[3:]}
	for _, parent := range bad {
		answered := w.posting(players, "Traceparent: "+parent, "Tracestate: vendor=1")
		answer(d)
		if a := <-answered; a.status != http.StatusCreated {
			t.Errorf("with %q: %d %v", parent, a.status, a.fields)
		}
	}
	traces := map[string]bool{}
	for _, span := range w.sent(len(bad)) {
		traces[string(span.TraceId)] = true
		if len(span.ParentSpanId) > 0 || fmt.Sprintf("%x", span.TraceId) == traceID || span.TraceState != "" {
			t.Errorf("parent %x, trace %x, state %q", span.ParentSpanId, span.TraceId, span.TraceState)
		}
	}
	if len(traces) != len(bad) {
		t.Errorf("%d traces, want %d", len(traces), len(bad))
	}
}

// TestNotSampled: the client decides that nobody records the trace.
func TestNotSampled(t *testing.T) {
	w := start(t, nil)
	d := w.join("d-1")
	answered := w.posting(players, "Traceparent: 00-"+traceID+"-"+spanID+"-00")
	got, _ := answer(d)["traceparent"].(string)
	<-answered
	if !strings.HasPrefix(got, "00-"+traceID+"-") || !strings.HasSuffix(got, "-00") || strings.Contains(got, spanID) {
		t.Errorf("drivers get %s", got)
	}
	w.sent(0)
}

// TestRefusals: a refused command has a span with the code, and a dry run has none.
func TestRefusals(t *testing.T) {
	w := start(t, nil)
	w.join("d-1")
	w.post(`{"command":{"type":"set_players","players":1},"target":{"driver_ids":["x"]}}`, "Traceparent: "+sampled)
	w.post(`{"command":{"type":"set_players","players":1},"min_drivers":9}`)
	w.post(`{"command":{"type":"set_players","players":1},"dry_run":true}`)
	spans := w.sent(2)
	for i, code := range []string{"no_active_drivers", "not_enough_drivers"} {
		span, got := spans[i], spans[i].Has()
		if span.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR || got["error.type"] != code ||
			got["swarmcall.seq"] != nil || span.Name != "command set_players" {
			t.Errorf("%s: status %v, %v", span.Name, span.Status, got)
		}
	}
	if fmt.Sprintf("%x", spans[0].ParentSpanId) != spanID {
		t.Errorf("the parent is %x", spans[0].ParentSpanId)
	}
}

// TestAReplay: a repeated request is no second command.
func TestAReplay(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "5")
	w := start(t, nil)
	d := w.join("d-1")
	const key, body = "Idempotency-Key: k-1", `{"command":{"type":"set_players","players":7},"deadline_ms":60000}`
	first := w.post(body, key, "Prefer: respond-async")
	again := w.posting(body, key, "Traceparent: "+sampled)
	w.Named("replay") // while the command is open
	answer(d)
	if a := <-again; seqOf(a.fields) != seqOf(first.fields) || a.fields["status"] != "complete" {
		t.Errorf("the replay is %v, the first %v", a.fields, first.fields)
	}
	w.post(body, key)
	var commands, replays []otlptest.Span
	for _, span := range w.sent(3) {
		if span.Name == "replay" {
			replays = append(replays, span)
		} else {
			commands = append(commands, span)
		}
	}
	if len(commands) != 1 || len(replays) != 2 {
		t.Fatalf("%d commands, %d replays", len(commands), len(replays))
	}
	if links := replays[0].Links; len(links) != 1 || string(links[0].SpanId) != string(commands[0].SpanId) {
		t.Errorf("the first replay is linked to %v", links)
	}
	for _, r := range replays {
		if got := r.Has(); got["swarmcall.replayed"] != true || got["swarmcall.seq"] != seqOf(first.fields) ||
			got["swarmcall.acked"] != nil {
			t.Errorf("a replay has %v", got)
		}
	}
}

// TestAStopWithAnOpenCommand: its outcome is decided by the stop, and its span is sent.
func TestAStopWithAnOpenCommand(t *testing.T) {
	w := start(t, nil)
	d := w.join("d-1")
	answered := w.posting(`{"command":{"type":"set_players","players":1},"deadline_ms":60000}`)
	d.Next()
	span := w.sentByTheStop(1)[0]
	if a := <-answered; a.fields["status"] != "failed" {
		t.Errorf("answered %d %v", a.status, a.fields)
	}
	if got := span.Has(); got["swarmcall.status"] != "failed" || got["swarmcall.missing"] != int64(1) ||
		len(span.Events) != 2 || otlptest.Attributes(span.Events[1].Attributes)["swarmcall.reason"] != "server_restart" {
		t.Errorf("%v, events %v", got, span.Events)
	}
}

// TestTheDashboard submits through the same admission.
func TestTheDashboard(t *testing.T) {
	w := start(t, nil)
	d := w.join("d-1")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/ui/commands",
		strings.NewReader("type=stop"))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Origin", w.url)
	status := make(chan int, 1)
	go func() {
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		_ = resp.Body.Close()
		status <- resp.StatusCode
	}()
	got := answer(d)["traceparent"]
	if code := <-status; code/100 > 3 {
		t.Fatalf("answered %d", code)
	}
	if span := w.sent(1)[0]; span.Name != "command stop" || span.Traceparent() != got {
		t.Errorf("%s %s; the driver got %v", span.Name, span.Traceparent(), got)
	}
}

// TestTheCollectorIsDown: commands go on, the log is not flooded, and the server stops in time.
func TestTheCollectorIsDown(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	for name, url := range map[string]string{"nothing listens": "http://" + addr, "no answer": ""} {
		t.Run(name, func(t *testing.T) {
			if url == "" {
				c := otlptest.New(t)
				c.Silence()
				url = c.URL
			}
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
			t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
			t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
			w := startOff(t, nil)
			d := w.join("d-1")
			for range 100 {
				answered := w.posting(players)
				answer(d)
				if a := <-answered; a.status != http.StatusCreated || a.fields["status"] != "complete" {
					t.Fatalf("answered %d %v", a.status, a.fields)
				}
			}
			w.leave()
			began := time.Now()
			w.Stop()
			took := time.Since(began)
			t.Logf("stopped in %v", took)
			if took > 5*time.Second { // it is 1 s for traces; the SDK alone would try for a minute
				t.Errorf("the stop took %v", took)
			}
			if n := len(w.log.with(t, "traces were not sent; commands are not affected")); n > 1 {
				t.Errorf("%d warnings", n)
			}
		})
	}
}

// TestAWrongAddress: the server says what is wrong instead of sending traces elsewhere.
func TestAWrongAddress(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")
	cfg := app.Defaults()
	cfg.Listen, cfg.DataDir = "127.0.0.1:0", t.TempDir()
	err := app.Run(t.Context(), cfg, func(string) { t.Error("it listens") })
	if err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_ENDPOINT") {
		t.Errorf("ended with %v", err)
	}
}

// TestAStartThatFails leaves nothing running that sends spans; TestMain looks for it.
func TestAStartThatFails(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", otlptest.New(t).URL)
	cfg := app.Defaults()
	cfg.Listen, cfg.DataDir = "127.0.0.1:0", filepath.Join(t.TempDir(), "file", "below")
	if err := os.WriteFile(filepath.Dir(cfg.DataDir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := app.Run(t.Context(), cfg, func(string) { t.Error("it listens") }); err == nil {
		t.Error("it started")
	}
}

// TestNoTokensInSpans puts tokens where people paste them by mistake.
func TestNoTokensInSpans(t *testing.T) {
	w := start(t, nil)
	d := w.join("d-1")
	n := 0
	token := func() string { n++; return fmt.Sprintf("swc_%043d", n) }
	w.post(players, "Traceparent: "+sampled, "Tracestate: a="+token(), "X-Request-Id: "+token(), "X-Other: "+token(),
		"Prefer: respond-async", "Authorization: Bearer "+token())
	frame := d.Next()
	d.Send(fmt.Sprintf(`{"type":"command_ack","seq":%d,"status":"rejected","code":"%s","detail":"%s"}`,
		seqOf(frame), token(), token()))
	w.post(`{"submitter":"` + token() + `","command":{"type":"stop"}}`)
	w.post(`{"command":{"type":"stop","note":"` + token() + `"}}`)
	w.post(`{"command":{"type":"stop"},"target":{"driver_ids":["` + token() + `"]}}`)
	w.post(`{"command":{"type":"stop"},"target":{"labels":{"a":"` + token() + `"}}}`)
	w.post(`{"command":{"type":"set_players","players":1},"target":{"driver_ids":["` + token() + `"]}}`)
	w.post(players, "Idempotency-Key: "+token())
	w.post(players, "Traceparent: "+token())
	w.leave()
	w.Stop()
	if len(w.Spans()) == 0 {
		t.Error("there are no spans")
	}
	for i := range n {
		if strings.Contains(w.Raw(), fmt.Sprintf("%043d", i+1)) {
			t.Errorf("token %d was sent to the collector", i+1)
		}
	}
	t.Logf("%d tokens, %d spans, %d bytes", n, len(w.Spans()), len(w.Raw()))
}
