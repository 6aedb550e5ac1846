"""Figures of the whole connector, each beside its limit: one line a case.

    figures.py CASE...      cases: first-login memory demo reconnect health drain"""

import json
import os
import statistics
import subprocess
import sys
import time

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import harness  # noqa: E402
from harness import eventually  # noqa: E402

RUNS = 3


class Bench(harness.Case):
    def runTest(self):
        pass

    def seconds_to_first_line(self, server, since, *args):
        """From `since` until a follower has written its first line."""
        name = "lines%d" % time.monotonic_ns()
        self.background(server, *args, out=name)
        path = os.path.join(self.folder, name)
        eventually("a line", lambda: os.path.getsize(path) > 0)
        return time.monotonic() - since


def once(measure):
    bench = Bench()
    bench.setUp()
    try:
        return measure(bench)
    finally:
        bench.doCleanups()


def first_login(bench):
    """An org with 30 days of 50,000 events a day, from Configure's call to the first login at a reader."""
    org = bench.emulator(users=2000, history_events=1500000, history_days=30, login_every="1728ms")
    server = bench.server()
    started = time.monotonic()
    bench.configure(server, org)
    return bench.seconds_to_first_line(server, started, "logins", "acme", "--follow", "--from-beginning", "-o", "jsonl")


def memory(bench):
    """Anonymous memory when the demo's org is synced, history and all, in MB."""
    org = bench.emulator(users=2000, history_events=20000, history_days=30, login_every="300ms")
    server = bench.server()
    bench.configure(server, org)
    bench.cli(server, "sync", "acme", "--history", timeout=300)
    with open("/proc/%d/status" % server.child.pid) as f:
        fields = dict(line.split(":", 1) for line in f)
    return int(fields["RssAnon"].split()[0]) / 1024


def demo(bench):
    """The demo's own order of things: from the server's start to the first login in the table."""
    org = bench.emulator(users=2000, history_events=20000, history_days=30, login_every="300ms")
    token = bench.token_file()
    started = time.monotonic()
    server = bench.server("--org", org.url, "--token-file", token, "--name", "demo")
    return bench.seconds_to_first_line(server, started, "logins", "demo", "--follow")


def reconnect(bench):
    """A token that died and was told as dead; from Configure with the next one to the first new login at a follower."""
    org = bench.emulator(users=200, history_events=500, history_days=3, login_every=0)
    server = bench.server()
    bench.configure(server, org)
    bench.cli(server, "sync", "acme", "--history")
    org.post("/__token?value=00theNextToken0123456789")

    def state():
        out, _ = bench.cli(server, "status", "acme", "-o", "json")
        return json.loads(out)["connectors"][0]["state"]

    eventually("the dead token is told", lambda: state() == "CONNECTOR_STATE_RECONNECT_REQUIRED", 120)
    bench.background(server, "logins", "acme", "--follow", "--last", "0", "-o", "jsonl", out="live")
    eventually("the follower is there", lambda: "subscribers" in bench.cli(server, "status", "acme", "-o", "json")[0])
    org.post("/__add-event")
    token = bench.token_file("00theNextToken0123456789", "next")
    started = time.monotonic()
    bench.cli(server, "reconnect", "acme", "--token-file", token)
    eventually("the login", lambda: os.path.getsize(os.path.join(bench.folder, "live")) > 0)
    return time.monotonic() - started


def drain(bench):
    """A thousand readers, over a Unix socket and loopback TCP, while logins come: from SIGTERM until the process is gone.
    Then each goes on at the next server, without a hole and without an event twice."""
    org = bench.emulator(users=2000, history_events=30000, history_days=30, login_every="100ms")
    port = harness.free_port()
    listen = ("unix:{f}/s.sock", "127.0.0.1:%d" % port)
    server = bench.server(listen=listen)
    server.admin = "unix:%s/s.sock" % bench.folder
    bench.configure(server, org)
    bench.cli(server, "sync", "acme", "--history", timeout=300)
    argv = [os.environ["BENCH_DRAIN"], "--pid", str(server.child.pid), "--unix", server.admin, "--tcp", "127.0.0.1:%d" % port]
    client = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    bench.addCleanup(client.kill)
    if client.stdout.readline() != "gone\n":
        raise AssertionError("the readers ended: %d" % client.wait())
    if server.end() != 0:
        raise AssertionError("the server did not end well:\n" + server.text())
    bench.server(listen=listen)
    line, _ = client.communicate("again\n", timeout=300)
    if client.returncode != 0:
        raise AssertionError("not every reader went on: " + line)
    return float(line.split("ms=")[1].split()[0]), line.strip()


def p99_ms(check, calls):
    times = []
    for _ in range(calls):
        began = time.monotonic()
        if check(b"") != b"\x08\x01":
            raise AssertionError("it does not serve")
        times.append((time.monotonic() - began) * 1000)
        time.sleep(0.005)
    return sorted(times)[calls * 99 // 100]


IDLE_P99_MS = []  # of a server that does nothing, on the same machine at the same time


def health(bench):
    """While a first sync runs on a disk whose every write and sync takes three seconds: one question after the other."""
    org = bench.emulator(users=20000, history_events=200000, history_days=30, login_every="20ms", logs_limit=6000,
                         users_limit=6000)
    control = os.path.join(bench.folder, "data", "bad_disk")
    os.makedirs(os.path.dirname(control), mode=0o700)
    server = bench.server(env=dict(os.environ, LD_PRELOAD=os.environ["BENCH_BAD_DISK"], BAD_DISK=control))
    with grpc.insecure_channel(server.reader) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        IDLE_P99_MS.append(p99_ms(check, 500))
        bench.configure(server, org)
        with open(control + ".new", "w") as f:
            f.write("slow 3000")
        os.rename(control + ".new", control)
        worst = p99_ms(check, 2000)  # some twelve seconds, in which the poller stands in three or four writes
    out, _ = bench.cli(server, "status", "acme", "-o", "json")
    if json.loads(out)["connectors"][0]["state"] != "CONNECTOR_STATE_SYNCING":
        raise AssertionError("the first sync is over: " + out)
    os.unlink(control)
    return worst


CASES = {
    "first-login": (first_login, "seconds", 5),
    "memory": (memory, "rss_anon_mb", 12),
    "demo": (demo, "first_login_seconds", 10),
    "reconnect": (reconnect, "first_new_login_seconds", 2),
    "health": (health, "p99_ms", 10),
}


def main():
    for name in sys.argv[1:] or CASES:
        if name == "drain":
            print("%s runs=%d" % (sorted(once(drain) for _ in range(RUNS))[RUNS // 2][1], RUNS), flush=True)
            continue
        measure, what, limit = CASES[name]
        values = [once(measure) for _ in range(RUNS)]
        middle = statistics.median(values)
        beside = " idle_p99_ms=%.2f" % statistics.median(IDLE_P99_MS) if name == "health" else ""
        print("bench %s %s=%.2f limit=%d ratio=%.2f runs=%d min=%.2f max=%.2f%s" %
              (name, what, middle, limit, middle / limit, RUNS, min(values), max(values), beside), flush=True)


if __name__ == "__main__":
    main()
