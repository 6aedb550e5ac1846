"""The emulator's answers against Okta's own OpenAPI document, where that is at hand: OKTA_OPENAPI names it."""

import os
import subprocess
import unittest

import harness

SPEC = os.environ.get("OKTA_OPENAPI", "")


class OpenApi(harness.Case):
    asks_itself = True

    @unittest.skipUnless(os.path.exists(SPEC), "OKTA_OPENAPI names no OpenAPI document of Okta's")
    def test_what_it_answers_is_what_okta_documents(self):
        key, public = os.path.join(self.folder, "app.key"), os.path.join(self.folder, "app.pem")
        harness.Authority.run(["openssl", "genrsa", "-out", key, "2048"])
        harness.Authority.run(["openssl", "rsa", "-in", key, "-pubout", "-out", public])
        org = self.emulator(users=300, apps=40, history_events=2000, client_id="0oaService", client_key="k=" + public)
        done = subprocess.run(["node", os.path.join(harness.SOURCES, "emulator", "openapi.js"), SPEC, org.url, harness.TOKEN,
                               "0oaService", key], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=harness.WAIT_S)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stdout.count("good "), 21, done.stdout)


if __name__ == "__main__":
    harness.main()
