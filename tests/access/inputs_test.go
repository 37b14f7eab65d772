package access

import (
	"net/url"
	"strconv"
	"strings"
)

// input is a request with a token in a place where it does not belong, or that is not valid. {canary} is the token.
type input struct{ place, text string }

// head is the beginning of a request. {who} becomes the credential of an administrator, or nothing.
func head(line string, headers ...string) string {
	b := line + " HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: {address}\r\nConnection: close\r\n{who}"
	for _, h := range headers {
		b += h + "\r\n"
	}
	return b
}

func bare(line string, headers ...string) string { return head(line, headers...) + "\r\n" }

// withBody is a request with a body. The length is that with a token.
func withBody(line, media, body string, headers ...string) string {
	length := len(strings.ReplaceAll(body, "{canary}", strings.Repeat("x", 47)))
	return head(line, append(headers, "Content-Type: "+media, "Content-Length: "+strconv.Itoa(length))...) + "\r\n" + body
}

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
	html   = "Accept: text/html"
)

// inputs are all requests of the test.
func inputs() (all []input) {
	all = append(all, credentials()...)
	all = append(all, headers()...)
	all = append(all, paths()...)
	all = append(all, queries()...)
	all = append(all, bodies()...)
	all = append(all, forms()...)
	return append(all, malformed()...)
}

// credentials replace that of the administrator, so they have no {who}.
func credentials() (all []input) {
	for _, lines := range []string{
		"Authorization: Bearer {canary}", "Authorization: bearer  {canary} ", "Authorization: Basic {basic}",
		"Authorization: Token {canary}", "Authorization: {canary}", "Authorization: Bearer {canary}, Bearer {canary}",
		"Authorization: Bearer {canary}\r\nAuthorization: Bearer {canary}", "Authorization: Bearer x{canary}",
		"Proxy-Authorization: Bearer {canary}", "Cookie: swarmcall_session={canary}", "Cookie: {canary}",
		"Cookie: swarmcall_theme={canary}; token={canary}", "Cookie: swarmcall_session=x; swarmcall_session={canary}",
	} {
		for _, line := range []string{"GET /state", "GET /audit", "POST /commands", "GET /drivers/connect", "GET /"} {
			text := strings.Replace(bare(line, html, lines), "{who}", "", 1)
			all = append(all, input{"header " + lines, text})
		}
	}
	return all
}

// headers have the token in any header, also in its name.
func headers() (all []input) {
	names := "User-Agent,Referer,X-Request-Id,Idempotency-Key,Prefer,Last-Event-ID,Accept,Accept-Language," +
		"Accept-Encoding,Content-Encoding,Origin,X-Forwarded-For,X-Forwarded-Host,X-Forwarded-Proto," +
		"X-Forwarded-Prefix,If-Match,If-None-Match,If-Modified-Since,Range,Traceparent,Tracestate,Expect,Upgrade," +
		"Sec-Fetch-Site,Sec-Fetch-Mode,Sec-WebSocket-Key,Sec-WebSocket-Protocol,Sec-WebSocket-Version,Access-Control-Request-Method," +
		"Access-Control-Request-Headers,X-Api-Key,From,Via"
	lines := []string{"{canary}: x", "Forwarded: for={canary};host={canary};proto={canary}", "Origin: http://{canary}",
		"Origin: http://{canary}@evil.test", "Referer: http://{host}/ui/drivers?q={canary}", "Host: {canary}",
		"Referer: http://{host}/{canary}", "X-Forwarded-Host: {canary}.example.com", "Accept: text/html;q={canary}",
		"Sec-WebSocket-Protocol: swarmcall.v1.json, {canary}", "Prefer: respond-async; {canary}", "Cookie: a={canary}"}
	for name := range strings.SplitSeq(names, ",") {
		lines = append(lines, name+": {canary}")
	}
	for _, line := range lines {
		for _, text := range []string{
			bare("GET /state", line), bare("GET /", html, line), bare("OPTIONS /commands", line), bare("GET /nowhere",
				line),
			bare("HEAD /commands/stream", line), bare("GET /drivers/connect", line),
			withBody("POST /commands", asJSON, `{"command":{"type":"stop"}}`, line),
			withBody("POST /commands", asJSON, `{"command":{}`, line),
			withBody("POST /ui/commands", asForm, "type=stop", html, line),
			withBody("POST /ui/login", asForm, "token=x", html, line),
		} {
			if strings.HasPrefix(line, "Host:") {
				text = strings.Replace(text, "Host: {host}\r\n", "", 1)
			}
			all = append(all, input{"header " + line, text})
		}
	}
	return all
}

// paths have the token in the path or the method.
func paths() (all []input) {
	for _, token := range []string{"{canary}", "{escaped}"} {
		for _, path := range []string{"/", "/commands/", "/drivers/", "/ui/", "/ui/drivers/", "/ui/commands/",
			"/ui/assets/",
			"/ui/assets/1/", "/ui/login/", "//", "/x/../", "/livez/", "/drivers/connect/"} {
			for _, method := range []string{"GET", "HEAD", "POST", "DELETE", "{canary}"} {
				all = append(all, input{"path " + method + " " + path + token, bare(method+" "+path+token, html)})
			}
		}
	}
	for _, path := range []string{"/state", "/", "/ui/login", "/audit", "/nowhere"} {
		all = append(all, input{"method", bare("{canary} " + path)},
			input{"method of another page", bare("{canary} "+path, "Origin: http://evil.test")})
	}
	return all
}

// queries have the token as the name or the value of a parameter.
func queries() (all []input) {
	for _, token := range []string{"{canary}", "{escaped}"} {
		for name := range strings.SplitSeq("access_token,token,cursor,limit,submitter,after,before,type,status,order,state,"+
			"label,driver_id,q,back,expired,sort,topic,fresh,by,window,", ",") {
			for _, path := range []string{"/state", "/commands", "/drivers", "/drivers/d-1", "/audit", "/whoami", "/",
				"/ui/login", "/ui/drivers", "/ui/commands", "/ui/series", "/livez"} {
				line := "GET " + path + "?" + name + "=" + token
				if name == "" {
					line = "GET " + path + "?" + token + "=1"
				}
				all = append(all, input{"query " + line, bare(line)}, input{"query " + line, bare(line, html)})
			}
			for _, path := range []string{"/commands/stream", "/ui/stream", "/commands/export"} {
				line := "HEAD " + path + "?" + name + "=" + token
				all = append(all, input{"query " + line, bare(line)})
			}
		}
	}
	return append(all, input{"query that cannot be read", bare("GET /state?a=%zz&token={escaped}")},
		input{"query that cannot be read", bare("GET /ui/login?a=%zz&back=/{escaped}", html)})
}

// bodies are commands with the token in any field.
func bodies() (all []input) {
	for _, body := range []string{
		`{"submitter":"{canary}","command":{"type":"stop"}}`, `{"command":{"type":"stop","note":"{canary}"}}`,
		`{"command":{"type":"stop","note":"my token is {canary}, thanks"}}`, `{"command":{"type":"{canary}"}}`,
		`{"command":{"type":"set_players","players":"{canary}"}}`, `{"command":{"type":"stop","{canary}":1}}`,
		`{"command":{"type":"stop"},"{canary}":1}`,
		`{"command":{"type":"stop"},"target":{"labels":{"team":"{canary}"}}}`,
		`{"command":{"type":"stop"},"target":{"labels":{"{canary}":"x"}}}`,
		`{"command":{"type":"stop"},"target":{"labels":{"{canary}":1}}}`,
		`{"command":{"type":"stop"},"target":{"labels":{"{canary}":"1","{canary}":"2"}}}`,
		`{"command":{"type":"stop"},"target":{"labels":{"{canary}":null}}}`,
		`{"command":{"type":"stop"},"target":{"{canary}":{}}}`, `{"command":{"type":"stop"},"if_seq":"{canary}"}`,
		`{"command":{"type":"stop"},"target":{"driver_ids":["{canary}"]}}`, `{"{canary}":{"{canary}":"{canary}"}}`,
		`{"command":{"type":"stop"},"target":{"driver_ids":["a b {canary}"]}}`,
		`{"command":{"type":"stop"},"deadline_ms":"{canary}"}`,
		`{"command":"{canary}"}`, `"{canary}"`, `{canary}`, `["{canary}"]`, `{"a":"{canary}`,
		`{"command":{"type":"stop"}} {canary}`,
		`{"command":{"type":"stop","note":"\u0073wc_{rest}"}}`, `{"\u0073wc_{rest}":1}`, "{\"{canary}\":\"\xff\"}",
		`{"command":{"type":"stop"},"dry_run":"{canary}"}`,
		`{"command":{"type":"stop"},"dry_run":true,"submitter":"{canary}"}`,
	} {
		all = append(all, input{"body " + body, withBody("POST /commands", asJSON, body)},
			input{"body as another type: " + body, withBody("POST /commands", "text/plain; charset={canary}", body)})
	}
	for _, line := range []string{"POST /state", "PUT /commands", "POST /nowhere", "POST /ui/nowhere", "GET /state"} {
		all = append(all, input{"body of " + line, withBody(line, asJSON, `{"note":"{canary}"}`)})
	}
	return append(all, input{"a large body", withBody("POST /commands", asJSON,
		`{"command":{"type":"stop","note":"{canary}`+strings.Repeat("x", 70<<10)+`"}}`)})
}

// forms are those of the pages, with the token in any field, also in the wrong one of the sign-in.
func forms() (all []input) {
	for field := range strings.SplitSeq("type,note,labels,driver_ids,scope,players,rate,spawn_delay_ms,per,"+
		"deadline_ms,retry,"+
		"submitter,csrf", ",") {
		values := url.Values{"type": {"set_players"}, "players": {"5"}, "note": {"n"}}
		values.Set(field, "CANARY")
		if field == "labels" || field == "scope" {
			values.Set(field, "team=CANARY")
		}
		body := strings.ReplaceAll(values.Encode(), "CANARY", "{canary}")
		for _, accept := range []string{html, "Accept: application/json"} {
			all = append(all, input{"form, field " + field, withBody("POST /ui/commands", asForm, body, accept)})
		}
	}
	for _, body := range []string{
		"token={canary}", "token=+{canary}+", "token={canary}x&back=/", "back={canary}", "back=/{canary}",
		"back=/ui/{escaped}",
		"back=/ui/drivers?q={canary}", "back=/ui/drivers?q={escaped}", "back=http://{canary}", "carry={canary}",
		"carry=type%3Dset_players%26note%3D{canary}", "token=x&back=/{canary}&carry=note%3D{canary}", "user={canary}",
		"{canary}=1", "{canary}", "token={admin}&back=/{canary}", "token={admin}&back=/ui/drivers?q={escaped}",
		"token={admin}&carry=type%3Dset_players%26players%3D5%26note%3D{canary}", "token=%zz{canary}",
		"theme={canary}", "theme=dark&back=/{canary}", "theme=dark&back={escaped}",
	} {
		for _, path := range []string{"/ui/login", "/ui/theme", "/ui/logout"} {
			all = append(all, input{"form " + path + " " + body, withBody("POST "+path, asForm, body, html)},
				input{"form " + path + " " + body, withBody("POST "+path, "multipart/form-data; boundary={canary}",
					body, html)})
		}
	}
	return all
}

// malformed requests are answered by the HTTP server itself.
func malformed() (all []input) {
	for _, text := range []string{
		"{canary}\r\n\r\n", "GET {canary} HTTP/1.1\r\n\r\n", "GET /{canary} HTTP/9.9\r\n\r\n", "GET / {canary}\r\n\r\n",
		"GET / HTTP/1.1\r\n{canary}\r\n\r\n", "GET / HTTP/1.1\r\nHost: {host}\r\n{canary} : x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: {host}\r\nHost: {canary}\r\n\r\n", "GET / HTTP/1.1\r\nHost: {canary}/\r\n\r\n",
		"POST /commands HTTP/1.1\r\nHost: {host}\r\nContent-Length: {canary}\r\n\r\n",
		"POST /commands HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: {canary}\r\n\r\n",
		"POST /commands HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n{canary}\r\n",
		"GET http://{canary}/state HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
		"GET http://{canary}@{host}/state HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
		"CONNECT {canary}:443 HTTP/1.1\r\nHost: {canary}:443\r\nConnection: close\r\n\r\n",
		"GET /%zz{canary} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
		"GET /state HTTP/1.1\r\nHost: {host}\r\nX: {canary}\x00\r\nConnection: close\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{canary}", "\x16\x03\x01{canary}\r\n\r\n",
	} {
		all = append(all, input{"malformed " + text, text})
	}
	return all
}
