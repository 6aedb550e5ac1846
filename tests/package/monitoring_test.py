"""The alerts and the dashboard, against Prometheus' own tool and against the metrics that a living server serves."""

import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

import yaml

import harness
from harness import ROOT, eventually

PACKAGING = os.path.join(ROOT, "bazel", "packaging")
RULES = os.path.join(PACKAGING, "prometheus", "okta-connector.rules.yml")
DASHBOARD = os.path.join(PACKAGING, "grafana", "okta-connector.json")
# What Prometheus says itself.
FOREIGN = {"up"}
METRIC = re.compile(r"\b((?:okta_connector|grpc_server|process)_[a-z0-9_]+|up)\b(?:\{([^}]*)\})?")
LABEL = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


def promtool():
    """The installed one; or Debian's, unpacked aside: its package would start a Prometheus here."""
    found = shutil.which("promtool")
    if found:
        return found, None
    holder = tempfile.TemporaryDirectory(prefix="op", dir="/tmp")
    done = subprocess.run(["apt-get", "-q", "download", "prometheus"], cwd=holder.name, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    debs = glob.glob(os.path.join(holder.name, "*.deb"))
    if done.returncode != 0 or not debs:
        holder.cleanup()
        raise unittest.SkipTest("apt does not bring prometheus, whose promtool looks at the rules: " + done.stdout.strip()[-200:])
    subprocess.run(["dpkg-deb", "-x", debs[0], holder.name], check=True)
    return os.path.join(holder.name, "usr", "bin", "promtool"), holder


def alerts():
    with open(RULES) as f:
        return [rule for group in yaml.safe_load(f)["groups"] for rule in group["rules"]]


def dashboard():
    with open(DASHBOARD) as f:
        return json.load(f)


def panel_queries():
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def asked():
    """(where, metric, its label matchers) of every query that we ship."""
    queries = [(rule["alert"], rule["expr"]) for rule in alerts()] + list(panel_queries())
    for where, expr in queries:
        for name, labels in METRIC.findall(expr):
            yield where, name, LABEL.findall(labels)


class Monitoring(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.promtool, holder = promtool()
        if holder is not None:
            cls.addClassCleanup(holder.cleanup)

    def check(self, *argv):
        done = subprocess.run([self.promtool] + list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_the_rules_are_without_fault(self):
        self.assertIn("SUCCESS: %d rules found" % len(alerts()), self.check("check", "rules", "--lint-fatal", RULES))

    def test_each_alert_is_raised_by_its_cause_alone(self):
        tests = os.path.join(PACKAGING, "prometheus", "okta-connector.rules_test.yml")
        self.assertIn("SUCCESS", self.check("test", "rules", tests))
        with open(tests) as f:
            text = f.read()
        for rule in alerts():
            self.assertIn('{alertname="%s",severity="%s"' % (rule["alert"], rule["labels"]["severity"]), text, "raised in a test")

    def test_each_alert_says_what_is_wrong_and_what_to_do(self):
        for rule in alerts():
            notes = rule["annotations"]
            self.assertEqual(set(notes), {"summary", "runbook"}, rule["alert"])
            self.assertIn("okta-connector doctor", notes["runbook"], rule["alert"])
            self.assertNotIn("\n", notes["summary"], rule["alert"])
            self.assertLess(len(notes["summary"]), 120, rule["alert"])

    def test_the_dashboards_queries_are_without_fault(self):
        """As recording rules, which promtool reads; the names of Grafana's own are put in as it would."""
        rules = []
        for n, (_, expr) in enumerate(panel_queries()):
            expr = expr.replace("$__rate_interval", "1m").replace("$connector", ".*")
            self.assertNotIn("$", expr)
            rules.append({"record": "panel:%d" % n, "expr": expr})
        path = os.path.join(self.folder, "panels.yml")
        with open(path, "w") as f:
            yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}, f)
        self.check("check", "rules", path)

    def test_the_dashboard_is_whole(self):
        board = dashboard()
        panels = board["panels"]
        self.assertEqual(len({p["id"] for p in panels}), len(panels))
        taken = set()
        for p in panels:
            at = p["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, "overlaps: " + p["title"])
            self.assertLessEqual(at["x"] + at["w"], 24, p["title"])
            taken |= cells
            if p["type"] == "row":
                continue
            self.assertTrue(p["description"], p["title"])
            self.assertEqual(len({t["refId"] for t in p["targets"]}), len(p["targets"]), p["title"])
            # Whatever the Prometheus is called there.
            for one in [p] + p["targets"]:
                self.assertEqual(one["datasource"], {"type": "prometheus", "uid": "${source}"}, p["title"])
        self.assertEqual([v["name"] for v in board["templating"]["list"]], ["source", "connector"])

    def test_what_they_ask_for_is_there(self):
        """Each metric, label and value, on a server that has lived: synced, read from, refused and asked what it does not know."""
        # So few calls that the history waits for the next minute.
        org = self.emulator(late_percent=20, history_events=20000, logs_limit=10)
        server = self.server("--http", "127.0.0.1:0")
        self.configure(server, org)
        self.cli(server, "sync", "acme")
        self.cli(server, "logins", "acme", "--from-beginning", "-o", "jsonl")
        self.cli(server, "logins", "nobody", status=None)
        address = eventually("it serves metrics", lambda: next(
            (e["address"] for e in server.events() if e["event"] == "listen.http"), None))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        def scrape():
            with opener.open("http://%s/metrics" % address, timeout=60) as answer:
                return answer.read().decode()

        # A wait is there only while something waits.
        text = eventually("something waits", lambda: (lambda t: t if "\nokta_connector_wait_seconds{" in t else None)(scrape()))
        values = {}
        for name, labels in re.findall(r"(?m)^([a-z_]+)(?:\{(.*)\})? ", text):
            of = values.setdefault(name, {})
            for label, _, value in LABEL.findall(labels):
                of.setdefault(label, set()).add(value)
        for where, name, labels in asked():
            if name in FOREIGN:
                continue
            self.assertIn(name, values, "asked for by " + where)
            for label, op, value in labels:
                if label == "job":
                    continue
                self.assertIn(label, values[name], "%s of %s, asked for by %s" % (label, name, where))
                if op in ("=", "=~") and label not in ("connector", "grpc_code"):
                    for one in value.split("|") if op == "=~" else [value]:
                        self.assertTrue(any(re.fullmatch(one, v) for v in values[name][label]),
                                        "%s=%s of %s, asked for by %s; there are %s" % (label, one, name, where, values[name][label]))


if __name__ == "__main__":
    harness.main()
