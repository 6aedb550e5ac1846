"""Faults at random over real sockets, TLS and HTTP/2: what is lost, what is doubled. One line.

    faults_tls.py [REQUESTS]"""

import collections
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import harness  # noqa: E402

REQUESTS = 2000
GIVE_UP_S = 900

# One request in fifteen or so, each kind alike. Stalls are left out: each takes a whole minute of real time.
PROBABILITY = 0.005
ANSWERS = [{"fault": "status", "status": status, "code": code} for status, code in
           ((500, "E0000009"), (500, "E0000053"), (502, "E0000240"), (503, "E0000010"), (504, "E0000241"))]
CONCURRENCY = [{"fault": "concurrency"}]
BROKEN = [{"fault": fault} for fault in ("reset", "reset-body", "truncate", "gzip", "html", "garbage", "close", "drip", "type")]
RULES = [dict(what, prefix="/api/v1/", probability=PROBABILITY, seed=i) for i, what in enumerate(ANSWERS + CONCURRENCY + BROKEN)]


class Bench(harness.Case):
    def runTest(self):
        pass


def differences(bench, server, org):
    """Of the org's logins so many are not held; and so many are held twice, or were never made."""
    org.post("/__stop-logins")
    truth = {t["uuid"] for t in org.truth()}
    bench.cli(server, "sync", "acme", "--history", timeout=300)
    out, _ = bench.cli(server, "logins", "acme", "--from-beginning", "--require-complete-history", "-o", "jsonl")
    held = collections.Counter(json.loads(line)["uuid"] for line in out.splitlines())
    truth_after = {t["uuid"] for t in org.truth()}
    return len(truth - set(held)), sum(n - 1 for n in held.values()) + len(set(held) - truth_after)


def measure(bench, requests):
    org = bench.emulator(tls=True, users=500, history_events=20000, history_days=5, login_every="40ms", logs_limit=60000,
                         users_limit=60000)
    env = {k: v for k, v in os.environ.items() if k != "CURL_CA_BUNDLE"}
    server = bench.server(env=dict(env, SSL_CERT_FILE=org.authority.ca))
    bench.configure(server, org)
    org.post("/__faults", "\n".join(json.dumps(rule) for rule in RULES).encode())
    began = time.monotonic()
    while org.stats()["requests"][""] < requests and time.monotonic() - began < GIVE_UP_S:
        bench.cli(server, "sync", "acme", timeout=120)  # polls at once
    seen, faults = org.stats()["requests"][""], org.stats()["faults"]
    org.post("/__faults?clear=1")
    lost, doubled = differences(bench, server, org)
    spoken = {line.split()[0] for line in org.front.text().splitlines() if " GET /api/v1/" in line}
    print("bench faults case=tls-h2 lost=%d doubled=%d requests=%d faults=%d kinds=%d seconds=%.0f http=%s" %
          (lost, doubled, seen, faults, len(RULES), time.monotonic() - began, "+".join(sorted(spoken))), flush=True)
    return lost == 0 and doubled == 0 and seen >= requests and faults > 0 and org.stats()["violations"] == 0


def main():
    bench = Bench()
    bench.setUp()
    try:
        sys.exit(0 if measure(bench, int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS) else 1)
    finally:
        bench.doCleanups()


if __name__ == "__main__":
    main()
