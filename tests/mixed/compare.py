"""make compare: four scenarios with Locust's own control and with Swarmcall, as the Markdown of docs/comparisons.md."""

import os
import platform
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import rig

LOCUSTFILE = os.path.join(rig.HERE, "locustfile.py")
WATCH = 90  # s: longer than the minute after which newer Locust workers quit
LEASE = 5  # s, of Swarmcall's server; its default is 60


class Locust:
    """A Locust master with workers, which load the path /locust of the target."""

    def __init__(self, target, workers):
        web, bind = rig_port(), rig_port()
        common = ["locust", "-f", LOCUSTFILE]
        self.master = rig.start(f"master-{web}", *common, "--master",
                                "--master-bind-host", "127.0.0.1", "--master-bind-port", str(bind),
                                "--web-host", "127.0.0.1", "--web-port", str(web), "--host", target.url + "/locust")
        self.url = f"http://127.0.0.1:{web}"
        rig.until("the master is there", lambda: "Starting Locust" in rig.log_of(f"master-{web}"))
        worker = [*common, "--worker", "--master-host", "127.0.0.1", "--master-port", str(bind)]
        self.workers = [rig.start(f"worker-{web}-{i}", *worker) for i in range(workers)]
        rig.until("the workers are there", lambda: self.workers_there() == workers)

    def page(self):
        with urllib.request.urlopen(self.url + "/") as r:
            return r.read().decode()

    def workers_there(self):
        return int(re.search(r'id="workerCount">(\d+)', self.page()).group(1))

    def state(self):
        page = self.page()
        return re.search(r'<body class="(\w+)', page).group(1), int(re.search(r'id="userCount">(\d+)', page).group(1))

    def swarm(self, users, rate):
        return rig.call(self.url + "/swarm", form={"user_count": users, "spawn_rate": rate})

    def end(self):
        for p in [self.master, *self.workers]:
            p.kill()


def rig_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def row(what, locust, ours):
    print(f"| {what} | {locust} | {ours} |", flush=True)


def silence(target, whose, since, watch):
    """Waits until no request has come for 3 s; returns the time from since to the last one, None if they do not end."""
    while time.monotonic() < since + watch:
        last = max(target.came(whose, since), default=since)
        if time.monotonic() > max(last, since) + 3:
            return last - since
        time.sleep(0.1)
    return None


def seconds(s):
    return f"load still there after {WATCH} s" if s is None else f"{s:.1f} s"


def controller_killed(target):
    locust = Locust(target, 2)
    locust.swarm(20, 20)
    ours = rig.Swarmcall("--lease-ttl", f"{LEASE}s")
    ours.drive("http", "http", "--target", target.url + "/ours", "--mode", "rate")
    ours.command(type="set_players", players=200)
    for whose in ("locust", "ours"):
        rig.until(f"load of {whose}", lambda: len(target.came(whose)) > 100)
    locust.master.kill()
    ours.process.kill()
    since = time.monotonic()
    mine = silence(target, "ours", since, WATCH)
    row(f"`kill -9` of the controller under load: time until the last request (our lease: {LEASE} s)",
        seconds(silence(target, "locust", since, WATCH)), seconds(mine))
    locust.end()


def stop_while_ramping(target):
    locust = Locust(target, 2)
    locust.swarm(200, 10)
    rig.until("the ramp", lambda: locust.state()[1] > 15)
    since = time.monotonic()
    _, answer = rig.call(locust.url + "/stop")
    took = time.monotonic() - since
    last = seconds(silence(target, "locust", since, WATCH))
    theirs = f"`{answer['message']}` after {took:.1f} s; last request at {last}"
    locust.end()
    server = rig.Swarmcall()
    server.drive("http", "http", "--target", target.url + "/ours", "--mode", "rate")
    server.command(type="set_spawn_delay_ms", spawn_delay_ms=100)
    server.command(type="set_players", players=200)
    rig.until("the ramp", lambda: server.players("http") > 15)
    since = time.monotonic()
    entry = server.command(type="stop")
    last = seconds(silence(target, "ours", since, WATCH))
    row("Stop in the middle of a ramp to 200, 10 per second", theirs,
        f"`{entry['status']}` after {entry['duration_ms'] / 1000:.3f} s; last request at {last}")


def frozen_worker(target):
    locust = Locust(target, 3)
    locust.swarm(15, 15)
    rig.until("15 users", lambda: locust.state() == ("running", 15))
    frozen = locust.workers[2]
    frozen.send_signal(signal.SIGSTOP)
    since = time.monotonic()
    _, said = locust.swarm(30, 30)
    answered = time.monotonic() - since
    shown = rig.until("running", lambda: locust.state()[0] == "running" and time.monotonic() - since, 90)
    success, users = str(said["success"]).lower(), locust.state()[1]
    theirs = (f"`success: {success}` after {answered:.2f} s; "
              f"state running after {shown:.1f} s with {users} users shown")
    since = time.monotonic()
    rig.call(locust.url + "/stop")
    stopped = time.monotonic() - since
    locust.end()

    server = rig.Swarmcall()
    drivers = [server.drive(f"d-{i}", "http", "--target", f"{target.url}/d{i}", "--mode", "rate") for i in range(3)]
    server.command(type="set_players", players=5)
    drivers[2].send_signal(signal.SIGSTOP)
    entry = server.command(type="set_players", players=10, deadline_ms=2000)
    stop = server.command(type="stop", deadline_ms=2000)
    drivers[2].send_signal(signal.SIGCONT)
    row("One of three workers frozen (SIGSTOP), then more users", theirs, told(entry))
    row("The same, then Stop: time until it is answered", f"{stopped:.1f} s", told(stop))


def told(entry):
    acks = ", ".join(f"{a['driver_id']} in {a['latency_ms']:.1f} ms" for a in entry["acked"])
    missing = ", ".join(f"{m['driver_id']} ({m['reason']})" for m in entry["missing"]) or "none"
    return f"`{entry['status']}` after {entry['duration_ms'] / 1000:.2f} s: acked by {acks}; missing {missing}"


def no_workers(target):
    locust = Locust(target, 0)
    _, said = locust.swarm(30, 30)
    time.sleep(2)
    server = rig.Swarmcall()
    status, answer = rig.call(server.url + "/commands", {"command": {"type": "set_players", "players": 30}})
    success, state = str(said["success"]).lower(), locust.state()[0]
    row('"Set 30 users" without any worker',
        f"`success: {success}`, `{said['message']}`; 2 s later state {state}",
        f"{status} `{answer['code']}`: {answer['detail']}")
    locust.end()


def version(*argv):
    return subprocess.run(argv, capture_output=True, text=True).stdout.split("\n")[0].strip()


def locust_version():
    found = re.search(r"\d+\.\d+\.\d+\S*", version("locust", "--version") or "")
    return found.group(0) if found else version("dpkg-query", "-W", "-f", "${Version}", "python3-locust") + " (Debian)"


def main():
    rig.need("locust")
    target = rig.Target()
    ours = version(os.path.join(rig.BIN, "swarmcall"), "version")
    print(f"Locust {locust_version()}, {ours}, Python {platform.python_version()}; "
          f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}.\n")
    print("| | Locust | Swarmcall |\n|---|---|---|")
    for measure in (no_workers, stop_while_ramping, frozen_worker, controller_killed):
        measure(target)


if __name__ == "__main__":
    sys.exit(main())
