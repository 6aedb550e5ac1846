"""A thousand connections of hostile peers, in three like rounds: how soon health answers meanwhile, and what memory is held. One
line each for loopback without TLS and with it.

    hostile.py [CONNECTIONS [SECONDS A ROUND]]"""

import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

import harness  # noqa: E402

PEERS = os.path.join(HERE, "..", "e2e", "hostile.py")
ROUNDS = 3
EVERY_S = 0.02
P99_MS_MAX, RATIO_MAX, PEAK_MB_MAX = 10, 1.10, 64


class Bench(harness.Case):
    def runTest(self):
        pass


class Health:
    """Asks over a Unix socket, and looks at the server's anonymous memory as often."""

    def __init__(self, server):
        import grpc
        self.channel = grpc.insecure_channel(server.reader)
        self.ask = self.channel.unary_unary("/grpc.health.v1.Health/Check")
        self.status = "/proc/%d/status" % server.child.pid
        self.took_ms, self.lost = [], 0
        self.ask(b"", timeout=10)

    def rss_anon_mb(self):
        with open(self.status) as f:
            return next(int(line.split()[1]) for line in f if line.startswith("RssAnon:")) / 1024

    def watch(self, child):
        """Until the child ends; the peak of memory."""
        import grpc
        peak = 0
        while child.poll() is None:
            began = time.monotonic()
            try:
                self.ask(b"", timeout=10)
            except grpc.RpcError:
                self.lost += 1
            self.took_ms.append((time.monotonic() - began) * 1000)
            peak = max(peak, self.rss_anon_mb())
            time.sleep(max(0, EVERY_S - (time.monotonic() - began)))
        return peak


def measure(case, server, address, connections, seconds, tls=()):
    health = Health(server)
    before, peaks, done = health.rss_anon_mb(), [], {}
    for _ in range(ROUNDS):
        child = subprocess.Popen([sys.executable, "-B", PEERS, address, str(connections), str(seconds)] + list(tls), stdout=subprocess.PIPE,
                                 stdin=subprocess.DEVNULL, text=True, env=dict(os.environ, HOSTILE_NICE="10"))
        peaks.append(health.watch(child))
        for what, count in json.loads(child.stdout.read()).items():
            done[what] = done.get(what, 0) + count
    took = sorted(health.took_ms)
    p99, ratio = took[int(len(took) * 0.99)], peaks[-1] / peaks[0]
    print("bench hostile case=%s p99_ms=%.1f p50_ms=%.1f max_ms=%.0f rss_ratio=%.2f rss_anon_mb=%s before_mb=%.1f asked=%d lost=%d "
          "connections=%d thrown_out=%d sent_mb=%d limit=p99<%d,ratio<=%.2f,mb<=%d" %
          (case, p99, took[len(took) // 2], took[-1], ratio, "/".join("%.1f" % p for p in peaks), before, len(took), health.lost,
           done["connections"], done["thrown_out"], done["bytes"] >> 20, P99_MS_MAX, RATIO_MAX, PEAK_MB_MAX), flush=True)
    return p99 < P99_MS_MAX and ratio <= RATIO_MAX and max(peaks) <= PEAK_MB_MAX and health.lost == 0


def main():
    connections = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60
    bench = Bench()
    bench.setUp()
    try:
        authority = harness.Authority(bench.folder)
        files = ["--tls-cert-file", authority.certificate, "--tls-key-file", authority.key, "--tls-client-ca-file", authority.ca,
                 "--tls-reader-san", "DNS:localhost"]
        good = True
        for case in ("plain", "tls"):
            server = bench.server(*files, listen=("admin=unix:{f}/admin.sock", "reader=unix:{f}/reader.sock", "127.0.0.1:0", "tls:127.0.0.1:0"))
            tls = (authority.ca, authority.key, authority.certificate) if case == "tls" else ()
            good = measure(case, server, server.addresses[3 if tls else 2], connections, seconds, tls) and good
            server.end()
    finally:
        bench.doCleanups()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
