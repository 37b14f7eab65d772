"""A load driver for Swarmcall. D1, D2 … are the duties of docs/protocol.md. Needs python3-websockets."""
import asyncio, json, math, os, random, re, signal, ssl, time, urllib.parse, uuid, websockets
LIST = os.environ.get("SWARMCALL_URL", "http://127.0.0.1:8080")  # one URL, or those of several servers with commas
URLS = [url.strip().replace("http", "ws", 1) + "/drivers/connect" for url in LIST.split(",")]
ME = {"driver_id": os.environ.get("DRIVER_ID", "python-1"), "instance": uuid.uuid4().hex}  # D3
FIELD = {"set_players": "players", "stop": "players", "set_spawn_delay_ms": "spawn_delay_ms"}  # also the name of the slot
TOKEN_FILE, CA_FILE = os.environ.get("SWARMCALL_TOKEN_FILE"), os.environ.get("SWARMCALL_CA_FILE") or None
RECONNECTS, BACKS_OFF = {1001, 1005, 1006, 4004}, {1011, 1012, 1013, 4008}  # D18: any other close code says stop
def local(url): return re.fullmatch(r"localhost|127(\.\d+){3}|::1", urllib.parse.urlsplit(url).hostname or "")
if len(set(URLS)) < len(URLS) or not all(url.startswith(URLS[0].split(":")[0] + "://") for url in URLS):
    raise SystemExit("SWARMCALL_URL must be http://host:port, or several of one scheme with commas: " + LIST)
if TOKEN_FILE and any(url.startswith("ws:") and not local(url) for url in URLS):
    raise SystemExit("the token needs https in SWARMCALL_URL")
def access():  # D1: the files are read at every connect, because they may be replaced
    options = {"ssl": ssl.create_default_context(cafile=CA_FILE)} if URLS[0].startswith("wss:") else {}
    if not TOKEN_FILE: return options
    with open(TOKEN_FILE, encoding="latin-1") as f: token = f.read(8193).strip()
    if not re.fullmatch("[!-~]{1,8192}", token): raise OSError(TOKEN_FILE + " does not contain a token")
    return {**options, "extra_headers": {"Authorization": "Bearer " + token}}
class Refused(OSError):
    def __init__(self, status, problem):  # D1: only a problem document of Swarmcall is final
        super().__init__(f"the answer was {status} {problem.get('code', '')} {problem.get('detail', '')}")
        ours = str(problem.get("type")).startswith("urn:swarmcall:problem:")
        later = status in (408, 425, 429) or TOKEN_FILE and problem.get("code") == "token_expired"  # may be replaced
        self.code = 0 if ours and 400 <= status < 500 and not later else 1006
class Handshake(websockets.WebSocketClientProtocol):
    async def read_http_response(self):
        if (status := (answer := await super().read_http_response())[0]) == 101: return answer
        is_problem = answer[1].get("Content-Type", "").startswith("application/problem+json")
        try: problem = dict(json.loads(await self.reader.read(8192))) if is_problem else {}
        except (TypeError, ValueError): problem = {}
        raise Refused(status, problem)  # a redirect too: websockets would send the token to another host
class Driver:
    ws, players, target, delay, stepped, beat, due = None, [], 0, 0.02, 0, 1, math.inf
    log_id, applied, slots, refused, ttl, hold, heard, lost, hint = "", 0, {}, {}, 0, False, 0, False, 0
    async def play(self): await asyncio.Event().wait()  # one player; a real one sends requests
    def stop(self):  # D9: at once, which also ends the ramp
        self.target = 0
        while self.players: self.players.pop().cancel()
    def send(self, kind, **fields): return self.ws.send(json.dumps({"type": kind, **fields}))
    def report(self, kind, **fields):  # D6, D14
        state = {"players": len(self.players), "spawn_delay_ms": round(self.delay * 1000), "running": bool(self.players)}
        return self.send(kind, applied_seq=self.applied, state=state, **fields)
    async def tick(self):  # with or without a server
        while await asyncio.sleep(0.005, True):
            now = time.monotonic()
            while len(self.players) != self.target and now - self.stepped >= self.delay:  # the ramp
                self.stepped, spare = now, len(self.players) > self.target
                self.players.pop().cancel() if spare else self.players.append(asyncio.create_task(self.play()))
            if self.ttl and now - self.heard >= self.ttl:  # D19, D20
                self.ttl, self.lost, _ = 0, True, self.hold or self.slots.pop("players", self.stop())
            if now >= self.due and self.ws.open:  # D5
                self.due, _ = now + self.beat, asyncio.create_task(self.report("heartbeat"))
    async def command(self, seq, c, desired=False):
        slot = FIELD.get(c["type"])
        if self.slots.get(slot) != seq if desired else seq > self.applied:  # D8, D13
            self.applied, self.slots[slot] = max(self.applied, seq), seq
            if c["type"] == "stop": self.stop()
            elif type(c.get(slot)) is not int: self.refused[seq] = "invalid_command" if slot else "unsupported_command"  # D10
            elif slot == "players": self.target = c[slot]
            else: self.delay = c[slot] / 1000
        verdict = {"status": "rejected", "code": self.refused[seq]} if seq in self.refused else {"status": "applied"}
        await self.send("command_ack", seq=seq, **verdict)  # D7
    async def frame(self, f):  # D11: unknown frames and fields are ignored
        self.heard, self.beat = time.monotonic(), f.get("heartbeat_interval_ms", self.beat * 1000) / 1000
        if f.get("type") == "registered":
            if f["log_id"] != self.log_id: self.log_id, self.applied, self.slots, self.refused = f["log_id"], 0, {}, {}  # D15
            self.ttl, self.hold, self.lost, self.due = f["lease_ttl_ms"] / 1000, f["on_lease_lost"] == "hold", False, self.heard
            for d in f["desired"]: await self.command(d["seq"], d["command"], desired=True)
        if f.get("type") == "error": print("the server reports", f.get("code"), f.get("detail"))  # before a close
        if f.get("type") == "command": await self.command(f["seq"], f["command"])
        self.hint = f.get("reconnect_after_ms", self.hint * 1000) / 1000  # of a drain: D17
    async def run(self, attempt=-1, at=random.randrange(len(URLS))):
        while began := time.monotonic():
            try:
                options = {"subprotocols": ["swarmcall.v1.json"], "create_protocol": Handshake, **access()}
                async with websockets.connect(URLS[at], max_size=None, **options) as self.ws:  # D1, D12
                    await self.report("register", **ME, log_id=self.log_id, lease_lost=self.lost)  # D2, D20
                    while True: await self.frame(json.loads(await self.ws.recv()))
            except (OSError, asyncio.TimeoutError, websockets.WebSocketException) as e:
                code, _ = getattr(e, "code", 1006), print(e, flush=True)
            if code not in RECONNECTS | BACKS_OFF: return print("gave up: close code", code)
            self.due, attempt, at = math.inf, 0 if time.monotonic() - began > 60 else attempt + 1, (at + 1) % len(URLS)
            span = min(30, 0.5 * 2 ** (attempt // len(URLS)))  # D16: grows once per round over the servers
            await asyncio.sleep(self.hint + 2 * (code in BACKS_OFF) + random.uniform(0, span))
async def main(driver):
    def leave(*_): signal.alarm(2), asyncio.create_task(driver.send("deregister"))  # D22: code 1000 ends it, or else the alarm
    for s in signal.SIGINT, signal.SIGTERM: asyncio.get_running_loop().add_signal_handler(s, leave)
    await asyncio.wait([asyncio.create_task(c) for c in (driver.run(), driver.tick())], return_when=asyncio.FIRST_COMPLETED)
asyncio.run(main(Driver()))
