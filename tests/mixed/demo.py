"""make demo-mixed: k6, Locust, HTTP load and a program as one swarm. One ramp, one Stop, and what each reported of it."""

import os
import sys
import time

import rig

PLAYERS, DELAY_MS = 20, 100


def swarm(server, target):
    server.drive("http", "http", "--target", target.url + "/http", "--mode", "rate")
    server.drive("k6", "k6", os.path.join(rig.DATA, "script.js"), "--", "--no-usage-report", "-e", f"TARGET={target.url}/k6")
    server.drive("locust", "locust", "-f", os.path.join(rig.DATA, "locustfile.py"), "--", "--host", target.url + "/locust")
    server.drive("exec", "exec", "--", sys.executable, os.path.join(rig.DATA, "program.py"), target.url + "/exec")
    return ["http", "k6", "locust", "exec"]


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
    rig.need("k6", "locust")
    target, server = rig.Target(), rig.Swarmcall()
    print(f"server at {server.url}, target at {target.url}; starting the drivers")
    ids = swarm(server, target)
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
