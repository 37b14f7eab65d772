package browser

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// attack is the script of a page of somebody else. attack(api, token) tries everything, and returns what it could read,
// by vector.
const attack = `
async function attack(api, token, leave = true) {
	const stop = JSON.stringify({command: {type: 'stop'}});
	const ws = api.replace('http', 'ws'), out = {}, all = [];
	const wait = 20000;
	const vector = (name, run) => all.push(Promise.race([
		run().then(v => v, e => ''), new Promise(done => setTimeout(() => done(''), wait)),
	]).then(v => { out[name] = String(v || ''); }));
	const asked = (path, init) => async () => {
		const r = await fetch(api + path, {credentials: 'include', ...init});
		return r.type === 'opaque' ? '' : r.status >= 400 ? '' : r.status + ' ' + (await r.text()).slice(0, 80);
	};
	for (const path of ['/state', '/commands', '/drivers', '/drivers/d-1', '/audit', '/whoami', '/limits', '/nodes',
		'/commands/export', '/openapi.yaml', '/', '/ui/drivers', '/ui/series'])
		vector('fetch ' + path, asked(path));
	vector('fetch without CORS', asked('/state', {mode: 'no-cors'}));
	vector('fetch, redirected by hand', asked('/', {redirect: 'manual'}));
	vector('XMLHttpRequest', () => new Promise((done, fail) => {
		const x = new XMLHttpRequest();
		x.open('GET', api + '/state');
		x.withCredentials = true;
		x.onload = () => done(x.status < 400 && x.responseText);
		x.onerror = fail;
		x.send();
	}));
	const post = (path, type, body, mode) => asked(path, {method: 'POST', mode, body,
		headers: type ? {'Content-Type': type} : {}});
	const form = 'application/x-www-form-urlencoded';
	vector('post JSON', post('/commands', 'application/json', stop, 'cors'));
	vector('post JSON without CORS', post('/commands', 'application/json', stop, 'no-cors'));
	vector('post text', post('/commands', 'text/plain', stop, 'no-cors'));
	vector('post text, read it', post('/commands', 'text/plain', stop, 'cors'));
	vector('post a blob', post('/commands', '', new Blob([stop]), 'no-cors'));
	vector('post a form', post('/ui/commands', form, 'type=stop', 'no-cors'));
	vector('post the theme', post('/ui/theme', form, 'theme=dark', 'no-cors'));
	vector('post a sign-in', post('/ui/login', form, 'token=' + token, 'no-cors'));
	if (leave) vector('post a sign-out', post('/ui/logout', form, '', 'no-cors'));
	vector('keepalive', asked('/commands', {method: 'POST', mode: 'no-cors', body: stop, keepalive: true}));
	vector('beacon', async () => { navigator.sendBeacon(api + '/commands', stop); });
	vector('beacon of a form', async () => {
		navigator.sendBeacon(api + '/ui/commands', new URLSearchParams('type=stop'));
	});
	for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])
		vector(method, asked('/commands', {method}));
	vector('WebSocket', () => new Promise((done, fail) => {
		const s = new WebSocket(ws + '/drivers/connect', 'swarmcall.v1.json');
		s.onopen = () => s.send(JSON.stringify({type: 'register', driver_id: 'evil-1',
			state: {players: 0, spawn_delay_ms: 0, running: false}}));
		s.onmessage = m => { done(m.data); s.close(); };
		s.onerror = fail;
	}));
	for (const path of ['/commands/stream?after=0', '/ui/stream?topic=/&fresh=/'])
		vector('EventSource ' + path, () => new Promise((done, fail) => {
			const s = new EventSource(api + path, {withCredentials: true});
			s.onopen = () => { done('open'); s.close(); };
			s.onerror = () => { s.close(); fail(); };
		}));
	const element = (tag, set) => () => new Promise((done, fail) => {
		const e = document.createElement(tag);
		e.onload = () => done('loaded');
		e.onerror = fail;
		set(e);
		document.body.append(e);
	});
	for (const path of ['/state', '/', '/ui/assets/1/icon.svg', '/ui/login'])
		vector('image ' + path, element('img', e => { e.src = api + path; }));
	for (const path of ['/state', '/commands/export', '/openapi.yaml', '/ui/assets/1/js/app.js']) {
		vector('script ' + path, element('script', e => { e.src = api + path; }));
		vector('module ' + path, element('script', e => { e.type = 'module'; e.src = api + path; }));
	}
	for (const path of ['/state', '/ui/assets/1/base.css'])
		vector('style ' + path, element('link', e => { e.rel = 'stylesheet'; e.href = api + path; }));
	// The load event says nothing: a page hears of refusals by its own name too. The status says what came.
	vector('preload', () => element('link', e => { e.rel = 'preload'; e.as = 'fetch'; e.href = api + '/state'; })().
		then(() => performance.getEntriesByName(api + '/state').map(e => e.responseStatus).find(n => n > 0 && n < 400)));
	vector('video', element('video', e => { e.oncanplay = e.onload; e.src = api + '/state'; e.load(); }));
	vector('import', () => import(api + '/ui/assets/1/js/app.js').then(() => 'loaded'));
	vector('Worker', () => new Promise((done, fail) => {
		const w = new Worker(api + '/ui/assets/1/js/app.js');
		w.onerror = fail;
		w.onmessage = () => done('loaded');
	}));
	// The load event of a frame says nothing: it comes for error pages too.
	const framed = (tag, attribute, path) => () => new Promise(done => {
		const e = document.createElement(tag);
		e.onload = e.onerror = () => {
			let text = '';
			try { text = e.contentDocument?.body?.innerText || ''; } catch (_) {}
			done(/sign in|swarmcall|checkout|"code"|desired/i.test(text) && text.slice(0, 80));
		};
		e[attribute] = api + path;
		document.body.append(e);
	});
	const framedPaths = ['/', '/state', '/ui/login', '/ui/commands', '/commands/export', '/ui/nowhere'];
	for (const path of framedPaths) {
		vector('frame ' + path, framed('iframe', 'src', path));
		vector('object ' + path, framed('object', 'data', path));
	}
	const sent = (path, type, fields) => () => new Promise(done => {
		const frame = document.createElement('iframe'), form = document.createElement('form');
		frame.name = 'f' + Math.random();
		frame.onload = () => done('');
		Object.assign(form, {method: 'post', action: api + path, enctype: type, target: frame.name});
		for (const [name, value] of fields) {
			const i = document.createElement('input');
			Object.assign(i, {name, value});
			form.append(i);
		}
		document.body.append(frame, form);
		form.submit();
	});
	vector('form as text', sent('/commands', 'text/plain', [['{"command":{"type":"stop","note":"', '"}}']]));
	vector('form', sent('/ui/commands', form, [['type', 'stop']]));
	vector('multipart form', sent('/ui/commands', 'multipart/form-data', [['type', 'stop']]));
	vector('form of a sign-in', sent('/ui/login', form, [['token', token]]));
	if (leave) vector('form of a sign-out', sent('/ui/logout', form, []));
	vector('form of the theme', sent('/ui/theme', form, [['theme', 'dark']]));
	if (leave) vector('link with a ping', async () => {
		const a = document.createElement('a');
		Object.assign(a, {href: '#', ping: api + '/ui/logout'});
		document.body.append(a);
		a.click();
	});
	// Some refusals give an embed no event at all: it is given up two seconds after everything else is over.
	const late = Promise.all(all).then(() => new Promise(done => setTimeout(done, 2000)));
	for (const path of framedPaths)
		vector('embed ' + path, () => Promise.race([framed('embed', 'src', path)(), late]));
	await Promise.all(all);
	return out;
}
if (parent !== self) onmessage = e => attack(...e.data).then(out => parent.postMessage(out, '*'));
`

// attackOn is the script for a server, with the path of its assets.
func attackOn(t testing.TB, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/ui/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	base := regexp.MustCompile(`/ui/assets/[^/"]+`).Find(page)
	if err != nil || base == nil {
		t.Fatalf("the sign-in page has no assets: %v", err)
	}
	return strings.ReplaceAll(attack, "/ui/assets/1", string(base))
}
