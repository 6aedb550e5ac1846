"""Configure, reconnect, declare, delete: what is refused is refused in words, and nothing is stored before."""

import json
import os
import signal

import harness
from harness import TOKEN, eventually


class Configure(harness.Case):
    def setUp(self):
        super().setUp()
        self.org = self.emulator(users=30, history_events=200)
        self.one = self.server()

    def status(self, name="acme", server=None):
        rows = json.loads(self.cli(server or self.one, "status", "-o", "json")[0]).get("connectors", [])
        return next((r for r in rows if r["name"] == name), None)

    def refused(self, org, token_file, *words):
        out, err = self.cli(self.one, "configure", "acme", "--org", org, "--token-file", token_file, status=None)
        for word in words:
            self.assertIn(word.lower(), (out + err).lower())
        self.assertNotIn("Traceback", err)
        self.assertIsNone(self.status(), "nothing is stored")

    def test_each_mistake_gets_a_sentence_and_stores_nothing(self):
        good = self.token_file()
        self.refused("https://acme-admin.okta.com", good, "acme.okta.com")
        self.refused("https://{yourOktaDomain}", good, "placeholder")
        self.refused("https://acme.okta.com/api/v1", good, "path")
        self.refused("http://acme.okta.com", good, "https")
        self.refused("http://127.0.0.1:1", good, "127.0.0.1")
        self.refused(self.org.url, self.token_file("", "empty"), "empty")
        self.refused(self.org.url, self.token_file("${OKTA_TOKEN}", "placeholder"), "placeholder")
        self.refused(self.org.url, self.token_file("00aTokenOfAnotherOrg0123456789", "dead"), "token")
        self.refused(self.org.url, os.path.join(self.folder, "nowhere"), "nowhere")

    def test_a_token_file_that_others_can_read_is_a_warning(self):
        _, err = self.cli(self.one, "configure", "acme", "--org", self.org.url, "--token-file",
                          self.token_file(name="open", mode=0o644))
        self.assertIn("chmod 600", err)

    def test_check_shows_the_table_and_stores_nothing(self):
        out, _ = self.cli(self.one, "configure", "acme", "--org", self.org.url, "--token-file", self.token_file(), "--check")
        self.assertIn("/api/v1/users", out)
        self.assertIn("/api/v1/logs", out)
        self.assertIsNone(self.status())

    def test_the_token_may_come_by_standard_input(self):
        self.cli(self.one, "configure", "acme", "--org", self.org.url, "--token-file", "-", stdin=TOKEN + "\n")
        self.assertEqual(self.status()["org_url"], self.org.url)

    def test_configuring_again_changes_nothing(self):
        self.configure(self.one, self.org)
        self.cli(self.one, "sync", "acme", "--history")
        before = self.status()["store"]
        self.configure(self.one, self.org)
        self.cli(self.one, "sync", "acme")
        after = self.status()["store"]
        self.assertEqual(before["epoch"], after["epoch"])
        self.assertLessEqual(int(before["events"]), int(after["events"]))

    def test_an_org_has_one_name_and_a_name_one_org(self):
        self.configure(self.one, self.org)
        _, err = self.configure_as("other", self.org.url, status=None)
        self.assertIn("acme", err)
        self.assertIsNone(self.status("other"))
        second = harness.Emulator(self.sub("second"), seed=99, users=5, history_events=5, logs_limit=1200)
        self.addCleanup(self.end_quietly, second)
        _, err = self.configure_as("acme", second.url, status=None)
        self.assertIn("org", err)
        self.assertEqual(self.status()["org_url"], self.org.url)
        # Two orgs side by side.
        self.configure_as("second", second.url)
        self.cli(self.one, "sync", "second", "--history")
        self.assertEqual(self.status("second")["org_url"], second.url)

    def sub(self, name):
        path = os.path.join(self.folder, name)
        os.mkdir(path)
        return path

    def configure_as(self, name, url, status=0):
        return self.cli(self.one, "configure", name, "--org", url, "--token-file", self.token_file(), status=status)

    def test_delete_asks_keeps_or_purges_and_says_what_remains(self):
        self.configure(self.one, self.org)
        self.cli(self.one, "sync", "acme", "--history")
        epoch = self.status()["store"]["epoch"]
        self.cli(self.one, "delete", "acme", status=2)
        out, _ = self.cli(self.one, "delete", "acme", "--keep-data", "--yes")
        self.assertIn("Tokens", out)
        self.assertEqual(self.status()["state"], "CONNECTOR_STATE_RETIRED")
        self.configure(self.one, self.org)
        self.assertEqual(self.status()["store"]["epoch"], epoch)
        self.assert_store_is_the_org(self.one, self.org)
        self.cli(self.one, "delete", "acme", "--yes")
        self.assertIsNone(self.status())
        self.assertEqual(os.listdir(os.path.join(self.folder, "data", "orgs")), [])

    def test_a_dead_token_is_told_and_a_new_one_resumes(self):
        self.configure(self.one, self.org)
        self.cli(self.one, "sync", "acme", "--history")
        self.org.post("/__token?value=00theNextToken0123456789")

        eventually("it asks to be reconnected",
                   lambda: self.status()["state"] == "CONNECTOR_STATE_RECONNECT_REQUIRED", 90)
        self.assertIn("token", self.status()["state_reason"])
        self.cli(self.one, "reconnect", "acme", "--token-file", self.token_file("00theNextToken0123456789", "next"))
        self.assert_store_is_the_org(self.one, self.org)

    def test_survives_a_restart_without_anybody(self):
        self.configure(self.one, self.org)
        self.cli(self.one, "sync", "acme", "--history")
        self.assertEqual(self.one.end(), 0)
        self.one = self.server()
        self.assert_store_is_the_org(self.one, self.org)


class Declared(harness.Case):
    def test_flags_declare_a_connector_and_its_file_is_read_again(self):
        org = self.emulator(users=30, history_events=200)
        path = self.token_file()
        flags = ["--org", org.url, "--token-file", path, "--name", "declared"]
        one = self.server(*flags)
        self.reached(one, "declared")
        self.cli(one, "sync", "declared", "--history")
        org.post("/__token?value=00theNextToken0123456789")
        self.token_file("00theNextToken0123456789")
        org.post("/__add-event")
        wanted = {t["uuid"] for t in org.truth()}

        def all_there():
            out, _ = self.cli(one, "logins", "declared", "--from-beginning", "-o", "jsonl")
            return wanted <= {json.loads(line)["uuid"] for line in out.splitlines()}

        eventually("the new token works", all_there, 90)
        self.assertEqual(one.end(signal.SIGTERM), 0)
        one = self.server(*flags)
        self.cli(one, "sync", "declared")
        rows = json.loads(self.cli(one, "status", "-o", "json")[0])["connectors"]
        self.assertEqual([r["name"] for r in rows], ["declared"])

    def test_the_environment_declares_one_too(self):
        org = self.emulator(users=30, history_events=50)
        env = dict(os.environ, OKTA_CONNECTOR_ORG=org.url, OKTA_CONNECTOR_TOKEN_FILE=self.token_file(),
                   OKTA_CONNECTOR_NAME="fromenv")
        one = self.server(env=env)
        self.reached(one, "fromenv")
        self.cli(one, "sync", "fromenv", "--history")

    def test_two_servers_do_not_share_a_data_folder(self):
        one = self.server()
        other = harness.Process([harness.SERVER, "--data-dir", os.path.join(self.folder, "data"), "--listen",
                                 "unix:" + os.path.join(self.folder, "other.sock")], os.path.join(self.folder, "other.log"))
        self.assertNotEqual(other.child.wait(30), 0)
        other.out.close()
        self.assertIn(str(one.child.pid), other.text())


if __name__ == "__main__":
    harness.main()
