"""As Okta is reached: over TLS, whose authority must be trusted, and HTTP/2. And what that way suffers."""

import json
import os

import harness

# Each once, with good answers between: a connection that breaks, in one stage or another, and what a proxy says instead.
FAULTS = ["reset", "reset-body", "truncate", "gzip", "html", "close", "drip"]


class Tls(harness.Case):
    def start(self, trusted=True, **flags):
        self.org = self.emulator(tls=True, **flags)
        env = {k: v for k, v in os.environ.items() if k not in ("SSL_CERT_FILE", "CURL_CA_BUNDLE")}
        if trusted:
            env["SSL_CERT_FILE"] = self.org.authority.ca
        self.one = self.server(env=env)

    def test_an_org_behind_tls_and_http_2_is_read_to_the_end(self):
        self.start()
        self.configure(self.one, self.org)
        self.assert_store_is_the_org(self.one, self.org)
        spoken = {line.split()[0] for line in self.org.front.text().splitlines() if " GET /api/v1/" in line}
        self.assertEqual(spoken, {"h2"})
        self.assertEqual(self.org.stats()["violations"], 0)

    def test_an_authority_that_nobody_trusts_is_named_as_the_reason(self):
        self.start(trusted=False)
        _, err = self.cli(self.one, "configure", "acme", "--org", self.org.url, "--token-file", self.token_file(), status=None)
        self.assertIn("certificate", err.lower())
        self.assertEqual(self.org.stats()["requests"][""], 0, "no request, and so no token, went to a stranger")

    def test_what_breaks_on_the_way_costs_no_event_and_doubles_none(self):
        self.start(history_events=3000, history_days=3)
        rules = [{"fault": fault, "prefix": "/api/v1/logs", "skip": 1 + 2 * i, "count": 1} for i, fault in enumerate(FAULTS)]
        self.org.post("/__faults", "\n".join(json.dumps(rule) for rule in rules).encode())
        self.configure(self.one, self.org)
        self.assert_store_is_the_org(self.one, self.org)
        harness.eventually("each fault was met", lambda: self.org.stats()["faults"] == len(FAULTS), 90)
        self.assert_store_is_the_org(self.one, self.org)
        self.assertEqual(self.org.stats()["violations"], 0)


if __name__ == "__main__":
    harness.main()
