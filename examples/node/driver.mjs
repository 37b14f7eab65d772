// A load driver for Swarmcall. D1, D2 … are the duties of docs/protocol.md. Needs Node 18 or later, and: npm ci
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import WebSocket from "ws";
const { SWARMCALL_URL: LIST = "http://127.0.0.1:8080", SWARMCALL_TOKEN_FILE: TOKEN_FILE, SWARMCALL_CA_FILE: CA_FILE } = process.env;
const URLS = LIST.split(",").map((url) => url.trim().replace(/^http/, "ws") + "/drivers/connect"); // one server or several
const ME = { driver_id: process.env.DRIVER_ID ?? "node-1", instance: randomUUID() }; // D3
const FIELD = { set_players: "players", stop: "players", set_spawn_delay_ms: "spawn_delay_ms" }; // also the name of the slot
const RECONNECTS = [1001, 1005, 1006, 4004], BACKS_OFF = [1011, 1012, 1013, 4008]; // D18: any other close code says stop

let ws, beats, players = [], target = 0, delay = 20, stepped = 0, attempt = -1, began = 0, hint = 0, at = Math.floor(Math.random() * URLS.length);
let logId = "", applied = 0, slots = {}, refused = {}, ttl = 0, hold = false, heard = 0, lost = false; // kept across connections
const play = () => setInterval(() => {}, 1000); // one player; a real one sends requests here
const stopOne = () => clearInterval(players.pop());
const stop = () => { for (target = 0; players.length; ) stopOne(); }; // D9: at once, which also ends the ramp
const send = (type, fields) => ws?.readyState === WebSocket.OPEN && ws.send(JSON.stringify({ type, ...fields }));
const report = (type, fields) => // D6, D14
  send(type, { applied_seq: applied, state: { players: players.length, spawn_delay_ms: delay, running: players.length > 0 }, ...fields });
const beat = (ms) => { clearInterval(beats); beats = setInterval(() => report("heartbeat"), ms); }; // D5
setInterval(() => { // with or without a server
  const now = performance.now();
  for (; players.length !== target && now - stepped >= delay; stepped = now) players.length < target ? players.push(play()) : stopOne();
  if (ttl && now - heard >= ttl) { // D19, D20
    [ttl, lost] = [0, true];
    if (!hold) stop(), delete slots.players;
  }
}, 5);
function command(seq, c, desired) {
  const slot = FIELD[c.type];
  if (desired ? slots[slot] !== seq : seq > applied) { // D8, D13
    [applied, slots[slot]] = [Math.max(applied, seq), seq];
    if (c.type === "stop") stop();
    else if (!Number.isInteger(c[slot])) refused[seq] = slot ? "invalid_command" : "unsupported_command"; // D10
    else if (slot === "players") target = c.players;
    else delay = c.spawn_delay_ms;
  }
  send("command_ack", refused[seq] ? { seq, status: "rejected", code: refused[seq] } : { seq, status: "applied" }); // D7
}
function frame(f) { // D11: unknown frames and fields are ignored
  heard = performance.now();
  if (f.heartbeat_interval_ms) beat(f.heartbeat_interval_ms);
  if (f.type === "registered") {
    if (f.log_id !== logId) [logId, applied, slots, refused] = [f.log_id, 0, {}, {}]; // D15
    [ttl, hold, lost, hint] = [f.lease_ttl_ms, f.on_lease_lost === "hold", false, 0];
    for (const d of f.desired) command(d.seq, d.command, true);
  } else if (f.type === "command") command(f.seq, f.command, false);
  else if (f.type === "error") console.log("the server reports", f.code, f.detail); // before a close
  else if (f.type === "drain") hint = f.reconnect_after_ms; // D17
}
const fail = (...why) => process.exit(console.log(...why) ?? 1);
if (!URLS.every((url, i) => url.startsWith(URLS[0].split(":")[0] + "://") && URLS.indexOf(url) === i))
  fail("SWARMCALL_URL must be http://host:port, or several of one scheme with commas:", LIST);
const plain = (url) => url.startsWith("ws:") && !/^(localhost|\[::1\]|127(\.\d+){3})$/.test(new URL(url).hostname);
if (TOKEN_FILE && URLS.some(plain)) fail("the token needs https in SWARMCALL_URL");
function access() { // D1: the files are read at every connect, because they may be replaced
  const options = { ca: CA_FILE && readFileSync(CA_FILE) }; // ws follows no redirects, so no other host gets the token
  if (!TOKEN_FILE) return options;
  const token = readFileSync(TOKEN_FILE, "latin1").trim();
  if (!/^[!-~]{1,8192}$/.test(token)) throw new Error(`${TOKEN_FILE} does not contain a token`);
  return { ...options, headers: { Authorization: `Bearer ${token}` } };
}
async function unexpected(answer) { // D1: only a problem document of Swarmcall is final
  let text = "", problem = {};
  for await (const part of answer) text += part;
  if (/^application\/problem\+json/.test(answer.headers["content-type"])) problem = JSON.parse(text) ?? {};
  const status = answer.statusCode, ours = String(problem.type).startsWith("urn:swarmcall:problem:");
  const later = [408, 425, 429].includes(status) || (TOKEN_FILE && problem.code === "token_expired"); // may be replaced
  console.log("the answer was", status, problem.code ?? "", problem.detail ?? "");
  if (ours && status >= 400 && status < 500 && !later) fail("gave up");
}
function connect() {
  began = performance.now();
  try {
    ws = new WebSocket(URLS[at], ["swarmcall.v1.json"], access()); // D1; pings are answered by ws: D12
  } catch (e) { return console.log(e.message), closed(1006); }
  const socket = ws, again = () => socket.terminate(); // close follows
  ws.on("unexpected-response", (_, answer) => unexpected(answer).then(again, again));
  ws.on("open", () => report("register", { ...ME, log_id: logId, lease_lost: lost })); // D2, D20
  ws.on("message", (text) => frame(JSON.parse(text)));
  ws.on("error", (e) => console.log(e.message)).on("close", closed); // close follows an error
}
function closed(code) {
  clearInterval(beats);
  if (![...RECONNECTS, ...BACKS_OFF].includes(code)) process.exit(console.log("gave up: close code", code));
  [at, attempt] = [(at + 1) % URLS.length, performance.now() - began > 60_000 ? 0 : attempt + 1];
  const wait = hint + (BACKS_OFF.includes(code) ? 2000 : 0), round = Math.floor(attempt / URLS.length);
  setTimeout(connect, wait + Math.random() * Math.min(30_000, 500 * 2 ** round)); // D16
}
connect();
for (const s of ["SIGINT", "SIGTERM"]) process.on(s, () => { send("deregister"); setTimeout(() => process.exit(), 2000); }); // D22
