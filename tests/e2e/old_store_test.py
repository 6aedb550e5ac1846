"""A data folder of version 0.1.0 opens unchanged: what was read is there, positions are kept, and it is sound.

stores/0.1.0.tar.xz was made by that version: an emulated org of 40 users and 249 logins of history, synced with
`sync --history`; beside the data folder lie logins.jsonl and users.jsonl, as that version's command line printed them."""

import json
import os
import subprocess
import tarfile

import harness
from harness import SERVER, WAIT_S, eventually

STORE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "stores", "0.1.0.tar.xz")


class OldStore(harness.Case):
    def setUp(self):
        super().setUp()
        with tarfile.open(STORE) as tar:
            tar.extractall(self.folder)

    def lines(self, name):
        with open(os.path.join(self.folder, name)) as f:
            return [json.loads(line) for line in f]

    def test_verify_finds_nothing_wrong(self):
        done = subprocess.run([SERVER, "verify", "--data-dir", os.path.join(self.folder, "data")], capture_output=True, text=True,
                              timeout=WAIT_S)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("249 events", done.stdout)
        self.assertIn("40 users", done.stdout)

    def test_events_and_users_are_what_they_were(self):
        server = self.server()
        logins, _ = self.cli(server, "logins", "acme", "--from-beginning", "-o", "jsonl")
        users, _ = self.cli(server, "users", "acme", "-o", "jsonl")
        self.assertEqual([json.loads(line) for line in logins.splitlines()], self.lines("logins.jsonl"))
        self.assertEqual([json.loads(line) for line in users.splitlines()], self.lines("users.jsonl"))

    def test_positions_and_settings_are_kept(self):
        server = self.server()
        status = json.loads(self.cli(server, "status", "acme", "-o", "json")[0])["connectors"][0]
        self.assertEqual(status["history"]["state"], "HISTORY_STATE_COMPLETE", status)
        self.assertEqual({c["collection"]: (c["objects"], c["complete"]) for c in status["collections"]},
                         {"COLLECTION_LOGINS": ("249", True), "COLLECTION_USERS": ("40", True)})
        # The org of that folder is gone: it is asked at its address, with the credential that was sealed, and says so.
        unreachable = eventually("the org is asked", lambda: [
            e for e in server.events() if e["event"] == "connector.state" and e["code"] == "OKTA_UNREACHABLE"])
        self.assertTrue(unreachable)


if __name__ == "__main__":
    harness.main()
