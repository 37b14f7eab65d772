import json, sys, threading, time, urllib.request

target, delay, running, served = 0, 0.0, 0, 0
changed = threading.Condition()


# Lines must not mix: call it with the lock.
def say(**line):
    print(json.dumps(line), flush=True)


def player(number):
    global served
    while number < target:
        try:
            urllib.request.urlopen(sys.argv[1], timeout=1).read()
            served += 1
        except OSError:
            pass
        time.sleep(0.05)


def ramp():
    global running
    while True:
        with changed:
            while running == target:
                changed.wait()
            if running < target:
                threading.Thread(target=player, args=(running,), daemon=True).start()
                running += 1
            else:
                running = target
            say(type="state", players=running, metrics={"served": served})
            changed.wait(delay)


threading.Thread(target=ramp, daemon=True).start()
for line in sys.stdin:
    command = json.loads(line)
    with changed:
        if command["type"] == "set_players":
            target = command["players"]
        elif command["type"] == "set_spawn_delay_ms":
            delay = command["spawn_delay_ms"] / 1000
        else:
            target = running = 0
            say(type="state", players=0)
        changed.notify()
        say(type="ack", id=command["id"])
