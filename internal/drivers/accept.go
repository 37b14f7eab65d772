package drivers

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Handler serves the driver socket. Refusals before the upgrade go to answer, the server's only error writer. Host and
// Origin are checked by the middleware before it.
func (r *Registry) Handler(answer func(http.ResponseWriter, *http.Request, error)) http.Handler {
	refuse := func(w http.ResponseWriter, req *http.Request, err error) {
		r.cfg.Meter.Connected(ConnectionRefused)
		answer(w, req, err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := checkHandshake(req); err != nil {
			refuse(w, req, err)
			return
		}
		if r.leases.suspended.Load() {
			refuse(w, req, swarm.Errorf(swarm.CodeLogUnavailable,
				"the log cannot accept entries, so no client could stop this driver; connect again later"))
			return
		}
		if err := r.awaitLog(req.Context()); err != nil {
			refuse(w, req, err)
			return
		}
		if !r.admit() {
			refuse(w, req, swarm.Errorf(swarm.CodeShuttingDown,
				"the server is stopping; connect again after the restart"))
			return
		}
		defer r.running.Done()
		r.accept(w, req)
	})
}

// checkHandshake refuses handshakes that the WebSocket library would accept, or would refuse with other messages.
func checkHandshake(req *http.Request) error {
	switch {
	case !offers(req.Header, "Sec-WebSocket-Protocol", wire.Subprotocol):
		return &swarm.Error{
			Code:   swarm.CodeUnsupportedSubprotocol,
			Detail: "this route is a WebSocket; offer a supported protocol version in Sec-WebSocket-Protocol",
			Attrs:  map[string]any{"supported": []string{wire.Subprotocol}},
		}
	case !offers(req.Header, "Connection", "upgrade") || !offers(req.Header, "Upgrade", "websocket"):
		return swarm.Errorf(swarm.CodeBadRequest,
			"this route is a WebSocket; send Connection: Upgrade and Upgrade: websocket")
	case req.Header.Get("Sec-WebSocket-Version") != "13":
		return swarm.Errorf(swarm.CodeBadRequest, "Sec-WebSocket-Version must be 13")
	case len(req.Header.Values("Sec-WebSocket-Key")) != 1:
		return swarm.Errorf(swarm.CodeBadRequest, "Sec-WebSocket-Key must be given once")
	}
	return nil
}

func offers(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(item), token) {
				return true
			}
		}
	}
	return false
}

// admit counts a handshake as running, unless the registry is shutting down or its drivers move to other nodes.
func (r *Registry) admit() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.accepting || r.leaving {
		return false
	}
	r.running.Add(1)
	return true
}

// accept upgrades the connection and starts the session's two goroutines. It returns at once, which frees the memory of
// the HTTP server.
func (r *Registry) accept(w http.ResponseWriter, req *http.Request) {
	s := &session{
		r: r, outbox: newOutbox(), token: newToken(), remoteAddr: req.RemoteAddr, since: time.Now(),
		frames:    r.cfg.frameBudget(),
		principal: swarm.PrincipalOf(req.Context()),
	}
	s.heardAt.Store(1)
	s.retireAt, s.retireBy = rotation(s.principal.Expires, s.since)
	hijack := &socketWriter{ResponseWriter: w, since: s.since}
	conn, err := websocket.Accept(hijack, req, &websocket.AcceptOptions{
		Subprotocols:       []string{wire.Subprotocol},
		InsecureSkipVerify: true, // the Origin was checked against the server's own list
		OnPingReceived: func(context.Context, []byte) (answer bool) {
			return s.withinLimit() && !r.leases.suspended.Load()
		},
		OnPongReceived: func(context.Context, []byte) { s.heardAt.Store(s.clock(time.Now())) },
	})
	if err != nil {
		r.cfg.Meter.Connected(ConnectionRefused)
		r.logger.Debug("handshake failed", "remote_addr", req.RemoteAddr, "err", err)
		return
	}
	conn.SetReadLimit(wire.MaxFrameBytes)
	s.conn, s.socket = conn, hijack.socket
	r.mu.Lock()
	r.sessions[s] = struct{}{}
	accepting := r.accepting
	r.mu.Unlock()
	if !accepting {
		s.kill()
	}
	r.running.Add(2)
	go s.read()
	go s.write()
}
