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
    server.drive("locust", "locust", "-f", os.path.join(rig.DATA, "locustfile.py"), "--", "--host", target.url + "/locust")
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
    tell(server.command(type="set_spawn_delay_ms", spawn_delay_ms=DELAY_MS))
    tell(server.command(type="set_players", players=PLAYERS))
    for _ in range(2):
        since = time.monotonic()
        time.sleep(2)
        table(server, target, ids, since)
    tell(server.command(type="stop"))
    acked = time.monotonic()
    time.sleep(1)
    since = time.monotonic()
    time.sleep(2)
    table(server, target, ids, since)
    late = sum(len(target.came(i, acked + 1)) for i in ids)
    print(f"\nrequests later than 1 s after the Stop was acked: {late}")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
