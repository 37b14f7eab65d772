"""make demo-mixed: Locust, HTTP load, a program and, where there is one, k6 1.x as one swarm.

One ramp, one Stop, and what each reported of it.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time

import rig

PLAYERS, DELAY_MS = 20, 100
DEADLINE_MS = 30_000  # a busy machine is not to make this demo fail


def k6_here(named):
    """Returns the path of a k6 1.x. Without one it prints why and returns None, or exits if the user named one."""
    path = shutil.which(named or "k6")
    version = path and subprocess.run([path, "version"], stdout=subprocess.PIPE, text=True, check=False).stdout
    if path and re.match(r"k6 v[01]\.", version):
        return path
    reason = f"{path} is not k6 1.x: {version.strip()}" if path else f"{named or 'k6'} is not here"
    if named:
        sys.exit(reason)
    print(f"without k6: {reason} (make demo-mixed K6=PATH names one)")
    return None


def swarm(server, target, k6):
    server.drive("http", "http", "--target", target.url + "/http", "--mode", "rate")
    if k6:
        script = os.path.join(rig.DATA, "script.js")
        server.drive("k6", "k6", "--k6", k6, script, "--", "--no-usage-report", "-e", f"TARGET={target.url}/k6")
    locustfile = os.path.join(rig.DATA, "locustfile.py")
    server.drive("locust", "locust", "-f", locustfile, "--", "--host", target.url + "/locust")
    server.drive("exec", "exec", "--", sys.executable, os.path.join(rig.DATA, "program.py"), target.url + "/exec")
    return ["http", *(["k6"] if k6 else []), "locust", "exec"]


def tell(entry):
    command = {k: v for k, v in entry["command"].items() if k != "type"}
    print(f"\n{entry['command']['type']} {command or ''}: {entry['status']} in {entry['duration_ms']:.0f} ms")
    for verdict in ("acked", "rejected", "missing"):
        for of in entry[verdict]:
            rest = {k: v for k, v in of.items() if k != "driver_id"}
            print(f"  {of['driver_id']:8} {verdict:9} {rest}")


def table(server, target, ids, since):
    print(f"\n  {'driver':8} {'players':>7} {'running':>8} {'rps it says':>12} {'rps at the target':>18}")
    seconds = time.monotonic() - since
    for i in ids:
        d = server.driver(i)
        rps = d.get("metrics", {}).get("rps")
        says = "-" if rps is None else f"{rps:.1f}"
        came = len(target.came(i, since)) / seconds
        print(f"  {i:8} {d['reported']['players']:7} {str(d['reported']['running']):>8} {says:>12} {came:18.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k6", help="the k6 1.x to take; without it the one on the PATH, if there is one")
    named = parser.parse_args().k6
    rig.need("locust")
    k6 = k6_here(named)
    target, server = rig.Target(), rig.Swarmcall()
    print(f"server at {server.url}, target at {target.url}; starting the drivers")
    ids = swarm(server, target, k6)
    tell(send(server, type="set_spawn_delay_ms", spawn_delay_ms=DELAY_MS))
    tell(send(server, type="set_players", players=PLAYERS))
    for _ in range(2):
        since = time.monotonic()
        time.sleep(2)
        table(server, target, ids, since)
    stop = send(server, type="stop")
    acked = time.monotonic()
    tell(stop)
    rig.until("the load ends", lambda: quiet(target, ids, acked))
    since = time.monotonic()
    time.sleep(1)
    table(server, target, ids, since)
    late, most = sum(len(target.came(i, acked)) for i in ids), PLAYERS * len(ids)
    print(f"\nrequests after the Stop was acked: {late}; {most} players can have had one each under way")
    return 0 if stop["status"] == "complete" and late <= most else 1


def send(server, **command):
    return server.command(deadline_ms=DEADLINE_MS, **command)


def quiet(target, ids, since):
    """Says whether no request has come for a second."""
    last = max((at for i in ids for at in target.came(i, since)), default=since)
    return time.monotonic() > last + 1


if __name__ == "__main__":
    sys.exit(main())
