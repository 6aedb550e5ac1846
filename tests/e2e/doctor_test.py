"""doctor, with the whole connector: each check as it should be, and with what it is there for."""

import json
import os
import shutil
import socket
import subprocess
import time
import unittest

import harness
from harness import TOKEN, eventually


class Doctor(harness.Case):
    def doctor(self, server, *args, status=0):
        """The checks, by name; of several with one name, the worst. Each that fails or warns says what to do."""
        out, _ = self.cli(server, "doctor", *args, "-o", "jsonl", status=status)
        found = {}
        order = ["SKIPPED", "OK", "WARN", "FAIL"]
        for line in out.splitlines():
            check = json.loads(line)
            check["verdict"] = check["verdict"][len("CHECK_VERDICT_"):]
            if check["verdict"] in ("WARN", "FAIL"):
                self.assertTrue(check.get("remedy"), check)
            self.assertTrue(check["detail"])
            before = found.get(check["name"])
            if before is None or order.index(check["verdict"]) > order.index(before["verdict"]):
                found[check["name"]] = check
        return found

    def verdict(self, checks, name, wanted, says=""):
        check = checks[name]
        self.assertEqual(check["verdict"], wanted, check)
        self.assertIn(says, check["detail"] + " " + check.get("remedy", ""))

    def env(self, **more):
        return dict({k: v for k, v in os.environ.items() if k not in ("SSL_CERT_FILE", "CURL_CA_BUNDLE")}, **more)

    def again(self, server, *args, **more):
        """The same data, another start."""
        server.end()
        return self.server(*args, **more)

    def test_all_is_well(self):
        org = self.emulator(tls=True)
        server = self.server("--ca-file", org.authority.ca, env=self.env())
        self.configure(server, org)
        self.cli(server, "sync", "acme")
        checks = self.doctor(server, "acme")
        for name in ("server", "socket", "dns", "proxy", "org", "clock", "credential", "scope", "limits", "tail", "store"):
            self.assertEqual(checks[name]["verdict"], "OK", checks[name])
        self.verdict(checks, "tls", "WARN")
        self.assertRegex(checks["tls"]["detail"], "by CN = tests of ours, good for [12] days")
        self.assertIn("disk", checks)
        before = org.stats()["requests"][""]
        self.doctor(server)
        self.assertLess(org.stats()["requests"][""] - before, 10, "a handful of requests")
        out, _ = self.cli(server, "doctor")
        self.assertRegex(out, r"(?m)^acme:\nok +dns ")
        self.assertRegex(out.splitlines()[-1], r"^\d+ checks: \d+ ok, \d+ warnings, 0 failed, 0 skipped$")
        self.assertEqual(org.stats()["violations"], 0)

    def test_a_certificate_that_nobody_vouches_for(self):
        org = self.emulator(tls=True)
        server = self.server("--ca-file", org.authority.ca, env=self.env())
        self.configure(server, org)
        checks = self.doctor(self.again(server, env=self.env()), status=1)
        self.verdict(checks, "tls", "FAIL", "--ca-file")
        self.verdict(checks, "scope", "SKIPPED", "cannot be reached")
        self.verdict(checks, "clock", "SKIPPED")

    def test_a_dead_proxy(self):
        org = self.emulator()
        server = self.server()
        self.configure(server, org)
        server = self.again(server, "--proxy", "http://127.0.0.1:%d" % harness.free_port())
        checks = self.doctor(server, status=1)
        self.verdict(checks, "proxy", "FAIL", "from the configuration (--proxy)")
        self.verdict(checks, "tls", "SKIPPED", "proxy")

    def test_a_name_that_leads_nowhere(self):
        server = self.server("--org", "https://no-such-org.invalid", "--token-file", self.token_file(), "--name", "acme")
        checks = self.doctor(server, status=1)
        self.verdict(checks, "dns", "FAIL", "no-such-org.invalid")
        self.verdict(checks, "tls", "SKIPPED")
        self.verdict(checks, "tail", "FAIL")

    def test_a_role_that_was_taken_away_and_a_token_that_was_revoked(self):
        org = self.emulator()
        server = self.server()
        self.configure(server, org)
        self.cli(server, "sync", "acme")
        org.post("/__role?value=none")
        self.verdict(self.doctor(server, status=1), "scope", "FAIL", "role")
        org.post("/__revoke-token")
        self.verdict(self.doctor(server, status=1), "scope", "FAIL", "refused")

    def test_a_file_with_a_secret_that_others_can_read(self):
        org = self.emulator()
        path = self.token_file(mode=0o644)
        server = self.server("--org", org.url, "--token-file", path, "--name", "acme")
        self.reached(server, "acme")
        self.cli(server, "sync", "acme")
        self.verdict(self.doctor(server), "credential", "WARN", "chmod 600")

    def test_a_limit_that_is_used_up_is_not_spent_on_a_question(self):
        org = self.emulator()
        server = self.server()
        self.configure(server, org)
        self.cli(server, "sync", "acme")
        org.post("/__faults", json.dumps({"fault": "status", "status": 200, "body": "[]", "prefix": "/api/v1/logs", "headers": {
            "X-Rate-Limit-Limit": "120", "X-Rate-Limit-Remaining": "2", "X-Rate-Limit-Reset": str(int(time.time()) + 50)}}).encode())
        checks = eventually("the limit is seen", lambda: (c := self.doctor(server, status=None))["limits"]["verdict"] == "WARN" and c)
        out, _ = self.cli(server, "doctor", "-o", "jsonl")
        skipped = [c for c in map(json.loads, out.splitlines()) if c["name"] == "scope" and c["verdict"].endswith("SKIPPED")]
        self.assertEqual(len(skipped), 1, out)
        self.assertIn("/api/v1/logs", skipped[0]["detail"])
        self.verdict(checks, "limits", "WARN", "Rate Limits")

    def test_a_socket_that_was_removed(self):
        server = self.server()
        os.unlink(server.reader[len("unix:"):])
        self.verdict(self.doctor(server, status=1), "socket", "FAIL", "its file is gone")

    @unittest.skipIf(os.geteuid() != 0, "only root can mount a small disk")
    def test_a_disk_that_is_nearly_full(self):
        data = os.path.join(self.folder, "data")
        os.mkdir(data)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", data], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", data])
        self.verdict(self.doctor(self.server(), status=1), "disk", "FAIL", "make room")

    def test_only_the_admin_socket_may_ask(self):
        server = self.server()
        checks = self.doctor(server.reader, status=7)
        self.verdict(checks, "dns", "SKIPPED", "admin socket")
        self.cli(server, "doctor", "nobody", status=3)

    def test_a_dead_server(self):
        server = self.server()
        server.end(harness.signal.SIGKILL)
        checks = self.doctor(server, status=4)
        self.verdict(checks, "socket", "FAIL", "has ended")
        self.verdict(checks, "server", "FAIL")
        self.assertIn("process", checks)
        self.verdict(checks, "tls", "SKIPPED", "only the server can look")
        checks = self.doctor("unix:" + os.path.join(self.folder, "gone"), status=4)
        self.verdict(checks, "socket", "FAIL", "start okta-connectord")
        out, _ = self.cli(server, "doctor", status=4)
        self.assertIn("disk, dns, proxy, tls", out)

    def test_a_server_that_hangs(self):
        server = self.server()
        server.child.send_signal(harness.signal.SIGSTOP)
        try:
            out, _ = self.cli(server, "--timeout", "300ms", "doctor", status=4)
        finally:
            server.child.send_signal(harness.signal.SIGCONT)
        self.assertIn("as process", out)


if __name__ == "__main__":
    harness.main()
