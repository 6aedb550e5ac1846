"""Configuration: by file alone, by several sources, checked, shown, and read again while streams run."""

import json
import os
import re
import signal
import subprocess
import urllib.request

import harness
from harness import eventually

NEXT = "00anotherTokenNotReal0123456789abcdefghijkl"


class Config(harness.Case):
    def write(self, text, name="config.yaml"):
        path = os.path.join(self.folder, name)
        with open(path + ".new", "w") as f:
            f.write(text)
        os.rename(path + ".new", path)
        return path

    @staticmethod
    def read(path):
        with open(path) as f:
            return f.read()

    def blocks_hangup(self, server):
        """Whether SIGHUP waits until it is asked for; before that it ends a process, as any. While a process waits for it in
        sigwait the kernel shows it as not blocked: then it has started."""
        self.assertIsNone(server.child.poll(), server.text())
        if '"event":"start"' in server.text():
            return True
        mask = int(re.search(r"^SigBlk:\s*([0-9a-f]+)$", self.read("/proc/%d/status" % server.child.pid), re.M).group(1), 16)
        return b"connectord" in self.read("/proc/%d/cmdline" % server.child.pid).encode() and mask >> (signal.SIGHUP - 1) & 1

    def run_server(self, *args, status=0, **env):
        """Runs it to its end; (stdout, stderr)."""
        done = subprocess.run([harness.SERVER] + list(args), env=dict({"PATH": os.environ["PATH"], "HOME": self.folder}, **env),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=harness.WAIT_S)
        self.outputs += [done.stdout, done.stderr]
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def files(self):
        return sorted(os.path.join(at, name) for at, folders, files in os.walk(self.folder) for name in folders + files)

    def events(self, server, name):
        return [e for e in server.events() if e["event"] == name]

    def reload(self, server, text, event="config.reloaded"):
        """Writes the file and signals; the line that tells how it went."""
        self.write(text)
        count = len(self.events(server, event))
        server.child.send_signal(signal.SIGHUP)
        return eventually(event, lambda: self.events(server, event)[count:])[0]

    def reload_status(self, server):
        return json.loads(self.cli(server, "status", "-o", "json")[0]).get("config_reload", {})

    def state(self, server, name):
        rows = json.loads(self.cli(server, "status", "-o", "json")[0])["connectors"]
        return next((r for r in rows if r["name"] == name), None)

    def second_emulator(self):
        folder = os.path.join(self.folder, "second")
        os.mkdir(folder)
        two = harness.Emulator(folder, users=20, history_events=100, history_days=3, login_every="100ms", logs_limit=1200,
                               seed=2)
        self.addCleanup(self.end_quietly, two)
        return two

    # ---- without running ----

    def test_the_strongest_source_wins(self):
        path = self.write("org-share: 21\ndrain-ms: 22\nthreads: 23\nlog-level: warn\nlisten: [unix:/file]\n")
        out, _ = self.run_server("--print-config", "--drain-ms", "42", "--threads=43", OKTA_CONNECTOR_CONFIG=path,
                                 OKTA_CONNECTOR_ORG_SHARE="31", OKTA_CONNECTOR_THREADS="33", OKTA_CONNECTOR_RETENTION_DAYS="34",
                                 OKTA_CONNECTOR_LISTEN="unix:/variable")
        shown = {name: (value, origin) for name, value, origin in re.findall(r"^([a-z-]+): +(.*?) +# (.*)$", out, re.M)}
        self.assertEqual(shown["store-max-bytes"], ("16G", "default"))
        self.assertEqual(shown["log-level"], ("warn", path + ":4"))
        self.assertEqual(shown["retention-days"], ("34", "environment, OKTA_CONNECTOR_RETENTION_DAYS"))
        self.assertEqual(shown["org-share"], ("31", "environment, OKTA_CONNECTOR_ORG_SHARE"))
        self.assertEqual(shown["drain-ms"], ("42", "flag --drain-ms"))
        self.assertEqual(shown["threads"], ("43", "flag --threads"))
        self.assertIn("  - admin=unix:/variable\n", out)
        self.assertNotIn("unix:/file", out)
        self.assertEqual(self.files(), [path], "nothing is made")

    def test_the_flag_names_the_file(self):
        one, two = self.write("threads: 1\n", "one.yaml"), self.write("threads: 2\n", "two.yaml")
        out, _ = self.run_server("--print-config", "--config", one, OKTA_CONNECTOR_CONFIG=two)
        self.assertIn("\nthreads: 1 ", out)
        _, err = self.run_server("--print-config", "--config", one + ".none", OKTA_CONNECTOR_CONFIG=two, status=2)
        self.assertIn("one.yaml.none cannot be opened: No such file", err)
        _, err = self.run_server("--print-config", "--config", self.folder, status=2)
        self.assertIn("is not a plain file", err)

    def test_what_is_shown_can_be_read_back(self):
        self.keep_secret("passwordOfTheProxyNotReal")
        path = self.write("data-dir: data\nconnectors:\n  - {org: acme, token-file: token, collect: logins}\n")
        first, _ = self.run_server("--print-config", "--config", path, "--listen=unix:/a", "--listen=reader=127.0.0.1:7")
        again = self.write(first, "again.yaml")
        second, _ = self.run_server("--print-config", "--config", again)
        without_comments = [re.sub(r" +#.*|^#.*", "", text, flags=re.M) for text in (first, second)]
        self.assertEqual(*without_comments)
        self.assertIn("token-file: %s/token\n" % self.folder, first)
        out, _ = self.run_server("--print-config", OKTA_CONNECTOR_PROXY="http://ann:passwordOfTheProxyNotReal@proxy.example:3128")
        self.assertIn('# proxy: "http://ann:***@proxy.example:3128"', out)

    def test_a_right_configuration_is_called_so(self):
        path = self.write("data-dir: data/below\nlisten: [unix:%s/run/admin.sock]\nconnectors:\n"
                          "  - {org: acme, token-file: token}\n" % self.folder)
        self.token_file()
        before = self.files()
        out, err = self.run_server("--check-config", "--config", path)
        self.assertEqual((out, err), ("okta-connectord: nothing is wrong with the configuration of %s\n" % path, ""))
        self.assertEqual(self.files(), before, "nothing is made")

    def test_all_that_is_wrong_is_told(self):
        self.token_file("${TOKEN}", "placeholder")
        self.secrets.discard("${TOKEN}")
        self.token_file(name="open", mode=0o644)
        self.secret_file("no key", "key")
        with open(os.path.join(self.folder, "plain"), "w"):
            pass
        path = self.write("data-dir: plain/below\nseal-key-file: plain\nhttp: unix:{f}/none/of/these.sock\n"
                          "listen:\n  - unix:{f}/plain\n  - 127.0.0.1:7777\n  - 127.0.0.1:7777\n  - tls:127.0.0.1:7778\nconnectors:\n"
                          "  - {{org: a, token-file: missing}}\n  - {{org: b, token-file: placeholder}}\n"
                          "  - {{org: c, token-file: open}}\n"
                          "  - {{org: d, client-id: 0oa1, private-key-file: key, key-id: k}}\n"
                          "  - {{org: e, name: No Name, token-file: open}}\n"
                          "tls-cert-file: key\ntls-key-file: key\ntls-client-ca-file: key\ntls-admin-san: [\"DNS:a.example\"]\n".format(f=self.folder))
        before = self.files()
        out, err = self.run_server("--check-config", "--config", path, status=2)
        self.assertEqual(out, "")
        for line in ["%s:10:5: connector a: the token file %s/missing cannot be opened" % (path, self.folder),
                     "%s:11:5: connector b: the token file %s/placeholder" % (path, self.folder),
                     "warning: %s:12:5: others than its owner may read %s/open (mode 644): chmod 600 it" % (path, self.folder),
                     "%s:13:5: connector d: the private key file %s/key" % (path, self.folder),
                     "%s:14:5: connector No Name: a connector's name is 1 to" % path,
                     "data-dir: the folder %s/plain/below cannot be used or made: Not a directory" % self.folder,
                     "seal-key-file: %s/plain: a seal key is 32 bytes" % self.folder,
                     "listen: %s/plain is there and is no socket" % self.folder,
                     "listen: the 3. address is the 2. again",
                     "http: the folder", "--tls-cert-file %s/key: it holds no certificate in PEM" % self.folder]:
            self.assertIn("okta-connectord: " + line, err)
        self.assertEqual(len(err.splitlines()), 11, err)
        self.assertEqual(self.files(), before, "nothing is made")

    def test_mistakes_of_all_sources_are_told_at_once(self):
        path = self.write("frob: 1\nthreads: 99\n")
        _, err = self.run_server("--config", path, "--drain-ms=x", "--org", "acme", OKTA_CONNECTOR_ORG_SHARE="0", status=2)
        for line in [path + ":1:1: there is no setting \"frob\"", path + ":2:10: threads: must be a whole number",
                     "OKTA_CONNECTOR_ORG_SHARE: must be", "--drain-ms: must be", "--org acme is alone"]:
            self.assertIn(line, err)

    # ---- running ----

    def start(self, text, *args, **more):
        return self.server("--config", self.write(text), *args, **more)

    def test_a_file_is_enough(self):
        org = self.emulator()
        self.token_file()
        text = ("data-dir: {f}/data\nallow-http-loopback-org: true\nlisten:\n  - unix:{f}/admin.sock\nconnectors:\n"
                "  - name: acme\n    org: {o}\n    token-file: token\n    history-days: 30\n")
        path = self.write(text.format(f=self.folder, o=org.url))
        server = harness.Process([harness.SERVER], os.path.join(self.folder, "alone.log"),
                                 env={"OKTA_CONNECTOR_CONFIG": path, "HOME": "/nowhere"})
        self.addCleanup(self.end_quietly, server)
        admin = "unix:%s/admin.sock" % self.folder
        eventually("it listens", lambda: os.path.exists(admin[len("unix:"):]) or server.child.poll() is not None)
        self.reached(admin, "acme")
        self.assert_store_is_the_org(admin, org)

    def acme(self, org, *members):
        return "connectors:\n  - name: acme\n    org: %s\n    token-file: %s\n" % (org.url, os.path.join(self.folder, "token")) + \
            "".join("    %s\n" % m for m in members)

    def test_a_reload_drops_no_stream(self):
        """All that a reload can change, under a stream that reads all the time."""
        org, two = self.emulator(), self.second_emulator()
        self.token_file()
        server = self.start(self.acme(org))
        self.reached(server, "acme")
        self.cli(server, "sync", "acme", "--history", timeout=120)
        follower = self.background(server, "logins", "acme", "--follow", "--from-beginning", "-o", "jsonl", out="followed.jsonl")
        eventually("it follows", lambda: self.lines_of("followed.jsonl"))

        def two_is(*members):
            return "  - name: two\n    org: %s\n    token-file: %s\n" % (two.url, os.path.join(self.folder, "token")) + \
                "".join("    %s\n" % m for m in members)

        told = self.reload(server, "log-level: debug\norg-share: 60\ndrain-ms: 4000\nreader-uid: 7\n" + self.acme(org))
        self.assertEqual(told["changed"], "org-share,reader-uid,log-level,drain-ms")
        self.assertEqual(told["restart_needed"], "no")
        eventually("the share is in force", lambda: {b["share_percent"] for b in self.state(server, "acme").get("budgets", [])} == {60})
        # One more, and with settings of its own.
        self.reload(server, self.acme(org, "retention-days: 50") + two_is("collect: logins"))
        self.reached(server, "two")
        self.cli(server, "sync", "two", "--history", timeout=120)
        followed_two = self.background(server, "logins", "two", "--follow", "--from-beginning", "-o", "jsonl", out="two.jsonl")
        eventually("it follows", lambda: self.lines_of("two.jsonl"))
        # Another file for the secret, with another secret in it.
        org.post("/__token?value=" + NEXT)
        self.token_file(NEXT, "next")
        before = self.state(server, "acme")["credential"]["fingerprint"]
        self.reload(server, self.acme(org).replace("/token\n", "/next\n") + two_is("collect: logins"))
        eventually("the new one is in use", lambda: self.state(server, "acme")["credential"]["fingerprint"] != before)
        # Withdrawn: it stops and says why, and what was read can be read.
        self.reload(server, self.acme(org).replace("/token\n", "/next\n"))
        stopped = eventually("it says so", lambda: (s := self.state(server, "two"))["state"] == "CONNECTOR_STATE_DEGRADED" and s)
        self.assertIn("is not any more", stopped["state_reason"])
        self.assertTrue(self.cli(server, "logins", "two", "--last", "5", "-o", "jsonl")[0])
        self.assertIsNone(followed_two.poll(), "its reader stays")
        # And declared again.
        self.reload(server, self.acme(org).replace("/token\n", "/next\n") + two_is())
        eventually("it goes on", lambda: self.state(server, "two")["state"] in ("CONNECTOR_STATE_LIVE", "CONNECTOR_STATE_SYNCING"))

        self.assert_follower_has_the_org(server, org, "followed.jsonl")
        self.assert_follower_has_the_org(server, two, "two.jsonl", "two")
        self.assertIsNone(follower.poll())
        self.assertIsNone(followed_two.poll())
        for name in ("followed.jsonl.err", "two.jsonl.err"):
            with open(os.path.join(self.folder, name)) as f:
                self.assertNotRegex(f.read(), "(?i)reconnect|broke|resum")

    def metrics(self, server):
        where = eventually("it serves metrics", lambda: self.events(server, "listen.http"))[0]["address"]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open("http://%s/metrics" % where, timeout=harness.WAIT_S) as answer:
            text = answer.read().decode()
        return {name: float(re.search(r"^okta_connector_config_last_reload_%s (.*)$" % name, text, re.M).group(1))
                for name in ("successful", "success_timestamp_seconds")}

    def test_a_bad_file_changes_nothing(self):
        org = self.emulator()
        self.token_file()
        good = self.acme(org)
        server = self.start(good, "--http", "127.0.0.1:0")
        self.reached(server, "acme")
        first = self.metrics(server)
        self.assertEqual(first["successful"], 1)
        self.assertEqual(self.reload_status(server), {})
        path = os.path.join(self.folder, "config.yaml")
        for text, says in [("drain-ms: 1\nlog-level: loud\n" + good, path + ":2:12: log-level: must be debug"),
                           ("drain-ms: 1\n\tx\n", path + ":2:1: it is no YAML"),
                           ("drain-ms: 1\n" + good.replace("/token\n", "/none\n"), path + ":3:5: connector acme: the token file"),
                           ("drain-ms: 1\n" + good + "  - {org: other, token-file: none}\n", path + ":6:5: connector other: the token file")]:
            told = self.reload(server, text, "config.reload_failed")
            self.assertIn(says, told["first"])
            self.assertEqual(told["applied"], "nothing")
            shown = self.reload_status(server)
            self.assertIn(says, shown["error"])
            self.assertFalse(shown.get("successful", False))
            self.assertEqual(self.metrics(server), {"successful": 0, "success_timestamp_seconds": first["success_timestamp_seconds"]})
        os.unlink(path)
        server.child.send_signal(signal.SIGHUP)
        eventually("it is told", lambda: "cannot be opened" in self.events(server, "config.reload_failed")[-1]["first"])
        self.assertEqual(self.events(server, "config.reloaded"), [])
        self.assertEqual([c["name"] for c in json.loads(self.cli(server, "status", "-o", "json")[0])["connectors"]], ["acme"])
        self.assertEqual(self.reload(server, good)["changed"], "nothing")
        self.assertEqual(self.metrics(server)["successful"], 1)
        self.assertGreaterEqual(self.metrics(server)["success_timestamp_seconds"], first["success_timestamp_seconds"])
        self.assertTrue(self.reload_status(server)["successful"])

    def test_what_takes_a_restart_is_named_until_then(self):
        server = self.start("threads: 2\n")
        for text in ("threads: 3\nstore-max-bytes: 1G\n", "threads: 3\nstore-max-bytes: 1G\ndrain-ms: 3\n"):
            self.assertEqual(self.reload(server, text)["restart_needed"], "store-max-bytes,threads")
            self.assertEqual(self.reload_status(server)["needs_restart"], ["store-max-bytes", "threads"])
        self.assertEqual(len(self.events(server, "config.restart_needed")), 2)
        self.assertEqual(self.reload(server, "threads: 2\n")["restart_needed"], "no")
        self.assertNotIn("needs_restart", self.reload_status(server))

    def test_flags_and_environment_win_at_a_reload_too(self):
        env = dict(os.environ, OKTA_CONNECTOR_ORG_SHARE="31", OKTA_CONNECTOR_PROXY="http://127.0.0.1:1")
        server = self.start("", "--drain-ms=42", env=env)
        told = self.reload(server, "org-share: 9\ndrain-ms: 9\nproxy: http://127.0.0.1:2\nhistory-days: 3\n")
        self.assertEqual((told["changed"], told["restart_needed"]), ("history-days", "no"))

    def test_the_level_of_the_log_changes(self):
        server = self.start("")
        self.reload(server, "log-level: error\n")
        self.reload(server, "log-level: error\nthreads: 77\n", "config.reload_failed")
        self.reload(server, "log-level: info\n")
        self.assertEqual(len(self.events(server, "config.reloaded")), 2)

    def test_hangups_are_harmless(self):
        org = self.emulator()
        self.token_file()
        path = self.write("data-dir: data\nallow-http-loopback-org: true\nlisten: [unix:%s/admin.sock]\n" % self.folder + self.acme(org))
        for ready in (False, True):
            log = os.path.join(self.folder, "hup-%s.log" % ready)
            server = harness.Process([harness.SERVER, "--config", path], log)
            self.addCleanup(self.end_quietly, server)
            if ready:
                eventually("it has started", lambda: '"event":"start"' in server.text())
            else:
                # From its first moments on: what comes before a process can know of signals is not its own.
                eventually("it takes its signals", lambda: self.blocks_hangup(server))
            for _ in range(10):
                server.child.send_signal(signal.SIGHUP)
            eventually("it has reloaded", lambda: '"event":"config.reloaded"' in server.text())
            server.child.send_signal(signal.SIGTERM)
            for _ in range(10):
                server.child.send_signal(signal.SIGHUP)
            self.assertEqual(server.end(), 0, server.text())
            self.assertIn('"event":"stop"', server.text())


if __name__ == "__main__":
    harness.main()
