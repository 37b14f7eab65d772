"""The parts of the mixed demo and the comparisons: a target that counts requests, processes, and the HTTP APIs."""

import atexit
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.path.join(ROOT, os.environ.get("BIN", "bin"))
DATA = os.path.join(ROOT, "tests", "generators", "testdata")
SCRATCH = tempfile.mkdtemp(prefix="swarmcall-mixed-")

GET = {
    "locust": "apt-get install python3-locust, or pip install locust",
}


def need(*names):
    """Exits with a hint how to install a program that is absent."""
    missing = [name for name in names if not shutil.which(name)]
    for name in missing:
        print(f"{name} is not here; get it: {GET[name]}", file=sys.stderr)
    if missing:
        sys.exit(1)


class Target(http.server.ThreadingHTTPServer):
    """Records when requests arrive, by the first part of their path."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Visit)
        self.lock, self.arrivals = threading.Lock(), {}
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):  # a generator that was killed leaves broken connections
        pass

    def came(self, whose, since=0.0):
        with self.lock:
            return [at for at in self.arrivals.get(whose, []) if at >= since]


class Visit(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        whose = self.path.split("/")[1] or "all"
        with self.server.lock:
            self.server.arrivals.setdefault(whose, []).append(time.monotonic())
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"hello\n")

    def log_message(self, *_):
        pass


processes = []


def start(name, *argv, env=None):
    """Starts a process that ends with this one."""
    log = open(os.path.join(SCRATCH, name + ".log"), "wb")
    p = subprocess.Popen(argv, stdout=log, stderr=log, env={**os.environ, **(env or {})}, cwd=ROOT)
    processes.append(p)
    return p


@atexit.register
def end():
    for p in processes:
        if p.poll() is None:
            p.send_signal(signal.SIGCONT)
            p.terminate()
    for p in processes:
        try:
            p.wait(15)
        except subprocess.TimeoutExpired:
            p.kill()
    shutil.rmtree(SCRATCH, ignore_errors=True)


def log_of(name):
    with open(os.path.join(SCRATCH, name + ".log")) as f:
        return f.read()


def until(what, so, patience=60.0, every=0.02):
    late = time.monotonic() + patience
    while not (result := so()):
        if time.monotonic() > late:
            sys.exit(f"not in {patience} s: {what}")
        time.sleep(every)
    return result


def call(url, body=None, form=None, timeout=90):
    """Returns the status and the decoded answer."""
    data, kind = None, "application/json"
    if body is not None:
        data = json.dumps(body).encode()
    if form is not None:
        data, kind = urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded"
    request = urllib.request.Request(url, data=data, headers={"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as r:
            return r.status, json.load(r)
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)


class Swarmcall:
    """The real server, and drivers from the real command line."""

    def __init__(self, *flags):
        name = f"server-{len(processes)}"
        argv = [os.path.join(BIN, "swarmcall-server"), "--listen", "127.0.0.1:0",
                "--data-dir", os.path.join(SCRATCH, name), *flags]
        self.process = start(name, *argv)
        self.url = "http://" + until("the server is there", lambda: address_in(log_of(name)))

    def drive(self, driver_id, kind, *args):
        argv = [os.path.join(BIN, "swarmcall"), "drive", kind, "--url", self.url, "--driver-id", driver_id, *args]
        p = start(driver_id, *argv)
        until(f"{driver_id} is there", lambda: p.poll() is not None or self.driver(driver_id).get("state") == "active")
        if p.poll() is not None:
            sys.exit(f"{driver_id} ended:\n{log_of(driver_id)}")
        return p

    def driver(self, driver_id):
        return call(f"{self.url}/drivers/{driver_id}")[1]

    def players(self, driver_id):
        return self.driver(driver_id).get("reported", {}).get("players", 0)

    def command(self, deadline_ms=5000, **command):
        return call(f"{self.url}/commands", {"command": command, "deadline_ms": deadline_ms})[1]


def address_in(log):
    for word in log.replace('"', " ").split():
        address = word.removeprefix("address=").removeprefix("addr=").removeprefix("http://")
        host, _, port = address.rpartition(":")
        if host == "127.0.0.1" and port.isdigit() and port != "0":
            return address
    return None
