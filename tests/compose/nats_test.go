package compose

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/swarmtest/natstest"
)

// patience is how long anything may take before the test gives up.
const patience = time.Minute

// startNATS runs three servers with the configuration and the environment of the compose file.
func startNATS(t *testing.T) *natstest.Cluster {
	t.Helper()
	f := cluster(t)
	first, _, _ := strings.Cut(environment(t, f.Services["node1"])["SWARMCALL_NATS_URL"], ",")
	at, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	conf, err := filepath.Abs(filepath.Join(folder, "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return natstest.Start(t, natstest.Options{
		Servers: 3, User: at.User.Username(), Password: password, Config: conf, Env: serverEnvironment(t, f),
	})
}

func TestNATS(t *testing.T) {
	c := startNATS(t)
	// In this order: the later ones need the log.
	t.Run("a node does its work", func(t *testing.T) { work(t, c) })
	t.Run("a node cannot remove anything", func(t *testing.T) { remove(t, c) })
	t.Run("an operator can", func(t *testing.T) { operate(t, c) })
	t.Run("others are refused", func(t *testing.T) { strangers(t, c) })
}

// serverEnvironment returns the environment that all servers share.
func serverEnvironment(t *testing.T, f file) (env []string) {
	t.Helper()
	for name, value := range environment(t, f.Services["n1"]) {
		env = append(env, name+"="+value)
	}
	return env
}

// client is a client of the servers, as the user that the nodes are unless its URLs say otherwise.
type client struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	errors chan error // that the servers sent
}

func connect(t *testing.T, c *natstest.Cluster, urls string) *client {
	t.Helper()
	n := &client{errors: make(chan error, 100)}
	n.nc = c.Connect(t, urls, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { n.errors <- err }))
	var err error
	if n.js, err = jetstream.New(n.nc); err != nil {
		t.Fatal(err)
	}
	return n
}

func need(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func work(t *testing.T, c *natstest.Cluster) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	n := connect(t, c, c.URLs())
	stream, err := n.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "SWARMCALL", Subjects: []string{"swarmcall.log"}, Replicas: 3, AllowAtomicPublish: true, DenyPurge: true,
		DenyDelete: true, AllowDirect: true,
	})
	need(t, err)
	n.appendTo(ctx, t)
	_, err = stream.GetMsg(ctx, 1)
	need(t, err)
	n.readLog(ctx, t)
	n.lease(ctx, t)
	n.ask(ctx, t)
	need(t, n.nc.Flush())
	select {
	case err := <-n.errors:
		t.Errorf("the servers refused something: %v", err)
	default:
	}
}

// appendTo appends three messages: one, and two in an atomic batch.
func (n *client) appendTo(ctx context.Context, t *testing.T) {
	t.Helper()
	ack, err := n.js.Publish(ctx, "swarmcall.log", []byte("1"), jetstream.WithExpectLastSequence(0))
	if err != nil || ack.Sequence != 1 {
		t.Fatalf("got %+v, %v", ack, err)
	}
	_, err = n.js.Publish(ctx, "swarmcall.log", []byte("1"), jetstream.WithExpectLastSequence(0))
	api := new(jetstream.APIError)
	if !errors.As(err, &api) || api.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence {
		t.Fatalf("two clients appended at the same position: %v", err)
	}
	for part := 1; part <= 2; part++ {
		m := nats.NewMsg("swarmcall.log")
		m.Data = []byte(strconv.Itoa(part + 1))
		m.Header.Set("Nats-Batch-Id", "batch")
		m.Header.Set("Nats-Batch-Sequence", strconv.Itoa(part))
		if part == 1 {
			m.Header.Set(jetstream.ExpectedLastSeqHeader, "1")
			need(t, n.nc.PublishMsg(m))
			continue
		}
		m.Header.Set("Nats-Batch-Commit", "1")
		answer, err := n.nc.RequestMsgWithContext(ctx, m)
		need(t, err)
		if !strings.Contains(string(answer.Data), `"seq":3`) {
			t.Fatalf("the batch was answered with %s", answer.Data)
		}
	}
}

// readLog reads what appendTo appended.
func (n *client) readLog(ctx context.Context, t *testing.T) {
	t.Helper()
	reader, err := n.js.OrderedConsumer(ctx, "SWARMCALL", jetstream.OrderedConsumerConfig{})
	need(t, err)
	messages, err := reader.Messages()
	need(t, err)
	defer messages.Stop()
	for want := 1; want <= 3; want++ {
		m, err := messages.Next(jetstream.NextContext(ctx))
		need(t, err)
		if string(m.Data()) != strconv.Itoa(want) {
			t.Fatalf("message %d is %s", want, m.Data())
		}
	}
}

// lease keeps a lease as nodes do, and watches it.
func (n *client) lease(ctx context.Context, t *testing.T) {
	t.Helper()
	kv, err := n.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: "swarmcall_nodes", Replicas: 3, TTL: time.Minute, LimitMarkerTTL: time.Minute,
		Storage: jetstream.MemoryStorage,
	})
	need(t, err)
	watcher, err := kv.WatchAll(ctx)
	need(t, err)
	_, err = kv.Create(ctx, "node1", []byte("a"))
	need(t, err)
	revision, err := kv.Put(ctx, "node1", []byte("b"))
	need(t, err)
	_, err = kv.Update(ctx, "node1", []byte("c"), revision)
	need(t, err)
	for last := ""; last != "c"; {
		select {
		case e := <-watcher.Updates():
			if e != nil { // nil ends what was there before
				last = string(e.Value())
			}
		case <-ctx.Done():
			t.Fatalf("the watcher saw %q last", last)
		}
	}
	need(t, watcher.Stop())
	if entry, err := kv.Get(ctx, "node1"); err != nil || string(entry.Value()) != "c" {
		t.Errorf("got %v, %v", entry, err)
	}
	lister, err := kv.ListKeys(ctx)
	need(t, err)
	var keys []string
	for key := range lister.Keys() {
		keys = append(keys, key)
	}
	if !slices.Equal(keys, []string{"node1"}) {
		t.Errorf("the keys are %q", keys)
	}
	need(t, kv.Delete(ctx, "node1"))
}

// ask is a request to a node.
func (n *client) ask(ctx context.Context, t *testing.T) {
	t.Helper()
	sub, err := n.nc.Subscribe("swarmcall.node.node1", func(m *nats.Msg) { _ = m.Respond([]byte("here")) })
	need(t, err)
	answer, err := n.nc.RequestWithContext(ctx, "swarmcall.node.node1", nil)
	if err != nil || string(answer.Data) != "here" {
		t.Errorf("got %v, %v", answer, err)
	}
	need(t, sub.Unsubscribe())
}

func remove(t *testing.T, c *natstest.Cluster) {
	n := connect(t, c, c.URLs())
	for _, subject := range []string{
		"$JS.API.STREAM.DELETE.SWARMCALL", "$JS.API.STREAM.PURGE.SWARMCALL", "$JS.API.STREAM.MSG.DELETE.SWARMCALL",
		"$JS.API.STREAM.UPDATE.SWARMCALL", "$JS.API.STREAM.RESTORE.SWARMCALL", "$JS.API.STREAM.SNAPSHOT.SWARMCALL",
		"$JS.API.STREAM.LEADER.STEPDOWN.SWARMCALL", "$JS.API.STREAM.PEER.REMOVE.SWARMCALL",
		"$JS.API.STREAM.DELETE.KV_swarmcall_nodes", "$JS.API.CONSUMER.DURABLE.CREATE.SWARMCALL.d",
		"$JS.API.META.LEADER.STEPDOWN", "$SYS.REQ.SERVER.PING", "other",
	} {
		need(t, n.nc.PublishRequest(subject, "_INBOX.nobody", []byte(`{"seq": 1}`)))
		n.refused(t, "Publish", subject)
	}
	for _, subject := range []string{">", "other", "$JS.EVENT.>"} {
		_, err := n.nc.SubscribeSync(subject)
		need(t, err)
		n.refused(t, "Subscription", subject)
	}
	// To create it again, with a limit, must not change it.
	_, err := n.js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "SWARMCALL", Subjects: []string{"swarmcall.log"}, Replicas: 3, MaxMsgs: 1,
	})
	if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		t.Errorf("got %v", err)
	}
	stream, err := n.js.Stream(t.Context(), "SWARMCALL")
	need(t, err)
	if got := stream.CachedInfo().State; got.Msgs != 3 || got.FirstSeq != 1 {
		t.Errorf("the log has %+v", got)
	}
}

// refused waits until the servers have refused what was sent last.
func (n *client) refused(t *testing.T, what, subject string) {
	t.Helper()
	select {
	case err := <-n.errors:
		if want := what + ` to "` + subject + `"`; !errors.Is(err, nats.ErrPermissionViolation) ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s to %s: got %v", what, subject, err)
		}
	case <-time.After(patience):
		t.Fatalf("%s to %s was not refused", what, subject)
	}
}

// operate does as operator what a node cannot, so that it is the permissions that refuse it.
func operate(t *testing.T, c *natstest.Cluster) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	n := connect(t, c, as(c, "operator", passwords["NATS_OPERATOR_PASSWORD"]))
	stream, err := n.js.Stream(ctx, "SWARMCALL")
	need(t, err)
	cfg := stream.CachedInfo().Config
	cfg.Description = "changed"
	_, err = n.js.UpdateStream(ctx, cfg)
	need(t, err)
	need(t, n.js.DeleteStream(ctx, "SWARMCALL"))
}

func strangers(t *testing.T, c *natstest.Cluster) {
	password := passwords["NATS_PASSWORD"]
	for name, urls := range map[string]string{
		"nobody":               strings.ReplaceAll(c.URLs(), "swarmcall:"+password+"@", ""),
		"a wrong password":     as(c, "swarmcall", password+"4"),
		"a password of others": as(c, "swarmcall", passwords["NATS_OPERATOR_PASSWORD"]),
	} {
		nc, err := nats.Connect(urls)
		if err == nil {
			nc.Close()
		}
		if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	system, err := nats.Connect(as(c, "sys", passwords["NATS_SYS_PASSWORD"]))
	need(t, err)
	system.Close()
}

// as returns the URLs for another user.
func as(c *natstest.Cluster, user, password string) string {
	return strings.ReplaceAll(c.URLs(), "swarmcall:"+passwords["NATS_PASSWORD"]+"@", user+":"+password+"@")
}

// TestRoutes: the routes that the compose file sets are those of its servers, with the password that they require.
func TestRoutes(t *testing.T) {
	f := cluster(t)
	conf, err := os.ReadFile(filepath.Join(folder, "nats.conf"))
	need(t, err)
	for _, name := range servers {
		variable := "NATS_ROUTE_" + strings.ToUpper(name)
		if !strings.Contains(string(conf), "$"+variable) {
			t.Errorf("nats.conf does not use %s", variable)
		}
		for _, of := range servers {
			env := environment(t, f.Services[of])
			if want := `"nats://route:` + passwords["NATS_ROUTE_PASSWORD"] + "@" + name + `:6222"`; env[variable] != want {
				t.Errorf("%s has %s=%s, want %s", of, variable, env[variable], want)
			}
		}
	}
}
