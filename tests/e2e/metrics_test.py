"""What happened is told everywhere it can be looked for: Status, health, log, metrics, and in the stream."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request

import harness
from harness import eventually

NEW_TOKEN = "00anotherTokenNotReal0123456789abcdefghijkl"
SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[0-9.]+|NaN|[+-]Inf)$')


def check_by_promtool(text):
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    return [done.stdout or "exit %d" % done.returncode] if done.stdout or done.returncode else []


def check_by_hand(text):
    """The rules of promtool that concern us: one block a family with HELP and TYPE, no series twice, names as they should be."""
    faults, family, kind, families, series = [], None, None, set(), set()
    if not text.endswith("\n"):
        faults.append("the last line is not ended")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family, kind = line.split(" ", 3)[2], None
            if family in families or not line.split(" ", 3)[3:]:
                faults.append("a family twice, or without help: " + line)
            families.add(family)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if name != family or kind not in ("counter", "gauge"):
                faults.append("a type out of place: " + line)
            if name.endswith("_total") != (kind == "counter"):
                faults.append("counters end in _total, others do not: " + name)
            if name.endswith(("_count", "_sum", "_bucket", "_milliseconds", "_ms")) or re.search("[A-Z]|counter|gauge", name):
                faults.append("not a name as they should be: " + name)
        else:
            match = SAMPLE.match(line)
            if not match:
                faults.append("not a sample: " + line)
            elif match.group(1) != family or kind is None:
                faults.append("a sample outside of its family: " + line)
            elif line.rsplit(" ", 1)[0] in series:
                faults.append("a series twice: " + line)
            series.add(line.rsplit(" ", 1)[0])
    return faults


class Metrics(harness.Case):
    def http_server(self, *args, **more):
        server = self.server("--http", "127.0.0.1:0", *args, **more)
        server.http = eventually("it serves metrics", lambda: next(
            (e["address"] for e in server.events() if e["event"] == "listen.http"), None))
        return server

    def scrape(self, server):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open("http://%s/metrics" % server.http, timeout=60) as answer:
            self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
            return answer.read().decode()

    def metric(self, server, series):
        for line in self.scrape(server).splitlines():
            if line.rsplit(" ", 1)[0] == series:
                return float(line.rsplit(" ", 1)[1])
        return None

    def status(self, server):
        return json.loads(self.cli(server, "status", "acme", "-o", "json")[0])["connectors"][0]

    def health(self, server, service):
        out, _ = self.buf("grpc.health.v1.Health/Check", json.dumps({"service": service}), unix=server.admin)
        return json.loads(out)["status"]

    def notices(self, stream, out="live"):
        with open(os.path.join(self.folder, out + ".err")) as f:
            return [line for line in f.read().splitlines() if "notice:" in line]

    def assert_clean(self, text):
        by_promtool = shutil.which("promtool") is not None
        print("checked %s" % ("by promtool" if by_promtool else "by hand: there is no promtool"), file=sys.stderr)
        self.assertEqual((check_by_promtool if by_promtool else check_by_hand)(text), [])
        self.assertEqual(check_by_hand(text), [])

    def test_the_format_is_without_fault_in_every_state(self):
        server = self.http_server()
        self.assert_clean(self.scrape(server))
        emulator = self.emulator(late_percent=20)
        self.configure(server, emulator)
        self.cli(server, "sync", "acme", "--history")
        self.cli(server, "logins", "acme", "--from-beginning", "-o", "jsonl")
        text = self.scrape(server)
        self.assert_clean(text)
        self.assertGreaterEqual(self.metric(server, "okta_connector_stream_events_sent_total"), 300)
        self.assertEqual(self.metric(server, 'okta_connector_collection_objects{connector="acme",collection="users"}'), 50)
        self.assertEqual(self.metric(server, 'okta_connector_state{connector="acme",state="LIVE"}'), 1)
        self.assertNotIn(harness.TOKEN, text)
        emulator.post("/__revoke-token")
        eventually("it is refused", lambda: self.metric(server, 'okta_connector_state{connector="acme",state="RECONNECT_REQUIRED"}') == 1)
        self.assert_clean(self.scrape(server))
        self.cli(server, "delete", "acme", "--yes")
        text = self.scrape(server)
        self.assert_clean(text)
        self.assertNotIn('connector="acme"', text)
        self.assertEqual(server.end(), 0)

    def test_a_dead_token_is_told_everywhere_and_a_new_one_goes_on(self):
        emulator = self.emulator(login_every=0)
        server = self.http_server()
        self.configure(server, emulator)
        self.cli(server, "sync", "acme", "--history")
        stream = self.background(server, "logins", "acme", "--follow", "--last", "0", "-o", "jsonl", out="live")
        eventually("the follower is connected", lambda: self.metric(server, 'okta_connector_streams{connector="acme"}') == 1)
        self.assertEqual(self.health(server, "upstream/acme"), "SERVING")

        emulator.post("/__revoke-token")
        emulator.post("/__add-event")
        eventually("the stream tells it", lambda: any("RECONNECT_REQUIRED" in n for n in self.notices(stream)))
        status = self.status(server)
        self.assertEqual(status["state"], "CONNECTOR_STATE_RECONNECT_REQUIRED")
        self.assertEqual(status["state_reason_code"], "REASON_OKTA_TOKEN_REFUSED")
        self.assertIn("configure the connector", status["remedy"])
        self.assertEqual(self.metric(server, 'okta_connector_state{connector="acme",state="RECONNECT_REQUIRED"}'), 1)
        self.assertEqual(self.metric(server, 'okta_connector_state_reason{connector="acme",reason="OKTA_TOKEN_REFUSED"}'), 1)
        self.assertGreaterEqual(self.metric(server, 'okta_connector_okta_answers_total{connector="acme",class="4xx"}'), 3)
        eventually("health tells it", lambda: self.health(server, "upstream/acme") == "NOT_SERVING")
        self.assertEqual(self.health(server, "upstream"), "NOT_SERVING")
        self.assertEqual(self.health(server, ""), "SERVING")
        told = [e for e in server.events() if e["event"] == "connector.state"][-1]
        self.assertEqual((told["level"], told["state"], told["code"]), ("error", "RECONNECT_REQUIRED", "OKTA_TOKEN_REFUSED"))
        self.assertIsNone(stream.poll())
        self.assertEqual(self.lines_of("live"), [])

        emulator.post("/__token?value=" + NEW_TOKEN)
        self.cli(server, "reconnect", "acme", "--token-file", self.token_file(NEW_TOKEN, "new"))
        eventually("what came meanwhile is delivered", lambda: len(self.lines_of("live")) == 1)
        self.assertEqual({e["uuid"] for e in self.lines_of("live")} - {t["uuid"] for t in emulator.truth()}, set())
        eventually("health is well again", lambda: self.health(server, "upstream/acme") == "SERVING")
        self.assertEqual(self.metric(server, 'okta_connector_state{connector="acme",state="LIVE"}'), 1)
        for text in self.outputs + [server.text(), self.scrape(server)]:
            self.assertNotIn(NEW_TOKEN, text)

    def test_a_passing_refusal_moves_nothing(self):
        emulator = self.emulator()
        server = self.http_server()
        self.configure(server, emulator)
        self.cli(server, "sync", "acme", "--history")
        changes = self.metric(server, 'okta_connector_state_changes_total{connector="acme"}')
        emulator.post("/__fault?prefix=/api/v1/logs&count=2&status=403")
        eventually("they were met", lambda: (self.metric(server, 'okta_connector_okta_answers_total{connector="acme",class="4xx"}') or 0) >= 2)
        read = self.metric(server, 'okta_connector_events_read_total{connector="acme"}')
        eventually("it reads on", lambda: self.metric(server, 'okta_connector_events_read_total{connector="acme"}') > read)
        self.assertEqual(self.metric(server, 'okta_connector_state_changes_total{connector="acme"}'), changes)
        self.assertEqual(self.status(server)["state"], "CONNECTOR_STATE_LIVE")


if __name__ == "__main__":
    harness.main()
