"""Backup, verify and restore beside a running server, as an operator does them."""

import json
import os
import random
import shutil
import signal
import subprocess

import harness
from harness import SERVER, WAIT_S, eventually

OK, FAILED, USAGE, DAMAGED = 0, 1, 2, 3


class Backup(harness.Case):
    def path(self, name):
        return os.path.join(self.folder, name)

    def run_server(self, *args, status=OK):
        """A sub-command of okta-connectord, to its end; returns (stdout, stderr)."""
        done = subprocess.run([SERVER] + list(args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=WAIT_S)
        self.outputs += [done.stdout, done.stderr]
        self.assertEqual(done.returncode, status, "%s\nstdout: %s\nstderr: %s" % (args, done.stdout[-2000:], done.stderr))
        return done.stdout, done.stderr

    def backup(self, to, status=OK):
        return self.run_server("backup", "--data-dir", self.path("data"), "--to", self.path(to), status=status)

    def restore(self, frm, to, *more, status=OK):
        return self.run_server("restore", "--from", self.path(frm), "--data-dir", self.path(to), *more, status=status)

    def assert_well(self, folder, flag="--from"):
        out, _ = self.run_server("verify", flag, self.path(folder))
        self.assertIn("all is well", out)

    def synced(self, **flags):
        emulator = self.emulator(**flags)
        server = self.server()
        self.configure(server, emulator)
        self.cli(server, "sync", "acme", "--history")
        return emulator, server

    def uuids(self, server):
        out, _ = self.cli(server, "logins", "acme", "--from-beginning", "-o", "jsonl")
        return [json.loads(line)["uuid"] for line in out.splitlines()]

    def status_of(self, server):
        out, _ = self.cli(server, "status", "acme", "-o", "json")
        return json.loads(out)["connectors"][0]

    def instead(self, folder):
        """The data folder is from now on that one."""
        shutil.move(self.path("data"), self.path("data.old"))
        shutil.move(self.path(folder), self.path("data"))

    def test_a_backup_beside_live_streams_goes_on_where_it_was(self):
        emulator, server = self.synced(login_every="20ms")
        self.background(server, "logins", "acme", "--follow", "--from-beginning", "-o", "jsonl", out="streamed")
        eventually("the stream runs", lambda: len(self.lines_of("streamed")) > 600)
        out, _ = self.backup("b1")
        self.assertIn("backup: 1 store, ", out)
        self.assert_well("b1")
        self.assert_well("data", "--data-dir")
        seen = len(self.lines_of("streamed"))
        eventually("the stream goes on", lambda: len(self.lines_of("streamed")) > seen)
        with open(os.path.join(self.path("b1"), "manifest.json")) as f:
            manifest = json.load(f)
        self.assertEqual([f["path"].split("/")[0] for f in manifest["files"]], ["registry", "orgs"])
        self.assertFalse(os.path.exists(os.path.join(self.path("b1"), "seal.key")))
        # The old folder is lost; what came after the backup comes again, from Okta, and nothing is doubled.
        token = self.lines_of("streamed")[-1]
        server.end(signal.SIGKILL)
        out, _ = self.restore("b1", "restored", "--seal-key-file", os.path.join(self.path("data"), "seal.key"))
        self.assertIn("1 stored credential was taken over", out)
        self.assertTrue(token)
        self.instead("restored")
        shutil.copy(os.path.join(self.path("data.old"), "seal.key"), os.path.join(self.path("data"), "seal.key"))
        server = self.server()
        self.assert_store_is_the_org(server, emulator)
        self.assert_well("data", "--data-dir")

    def test_a_token_from_before_hears_that_the_store_is_another(self):
        _, server = self.synced(login_every=0)
        out, _ = self.buf("okta.connector.v1.Connector/StreamLogins", '{"name":"acme","last":1}', unix=server.admin)
        token = next(m["resumeToken"] for m in self.messages(out) if m.get("resumeToken"))
        resume = json.dumps({"name": "acme", "resume_token": token})
        self.buf("okta.connector.v1.Connector/StreamLogins", resume, unix=server.admin)
        self.backup("b1")
        server.end()
        self.restore("b1", "restored", "--seal-key-file", os.path.join(self.path("data"), "seal.key"))
        shutil.copy(os.path.join(self.path("data"), "seal.key"), self.path("restored"))
        self.instead("restored")
        server = self.server()
        _, err = self.buf("okta.connector.v1.Connector/StreamLogins", resume, unix=server.admin, expect=9 * 8)
        self.assertIn("restored", err)

    @staticmethod
    def messages(text):
        decoder, at, found = json.JSONDecoder(), 0, []
        while at < len(text.rstrip()):
            value, at = decoder.raw_decode(text, at)
            found.append(value)
            at += len(text[at:]) - len(text[at:].lstrip())
        return found

    def test_without_the_key_a_credential_is_asked_for_again(self):
        emulator, server = self.synced(login_every=0)
        self.backup("b1")
        before = self.uuids(server)
        server.end()
        out, _ = self.restore("b1", "restored")
        self.assertIn("1 stored credential was not taken over", out)
        self.instead("restored")
        server = self.server()
        row = self.status_of(server)
        self.assertEqual(row["state"], "CONNECTOR_STATE_RECONNECT_REQUIRED")
        self.assertIn("Configure", row["remedy"])
        self.assertEqual(self.uuids(server), before)
        emulator.post("/__add-event")
        self.cli(server, "reconnect", "acme", "--token-file", self.token_file())
        self.assert_store_is_the_org(server, emulator)

    def test_a_wrong_key_is_refused_and_nothing_is_left(self):
        _, server = self.synced(login_every=0)
        self.backup("b1")
        server.end()
        key = self.secret_file("0123456789abcdef" * 4, "other.key")
        _, err = self.restore("b1", "restored", "--seal-key-file", key, status=FAILED)
        self.assertIn("sealed with another key", err)
        self.assertEqual(sorted(os.listdir(self.path("restored"))), ["lock"])

    def test_what_it_refuses(self):
        _, server = self.synced(login_every=0, history_events=20)
        self.backup("b1")
        _, err = self.backup("b1", status=FAILED)
        self.assertIn("overwrites nothing", err)
        _, err = self.restore("b1", "data", status=FAILED)
        self.assertIn("process %d has it open" % server.child.pid, err)
        server.end()
        _, err = self.restore("b1", "data", status=FAILED)
        self.assertIn("is not empty", err)
        _, err = self.run_server("backup", "--data-dir", self.path("nothing"), "--to", self.path("b2"), status=FAILED)
        self.assertIn("is not a data folder", err)
        self.run_server("verify", "--from", self.path("nothing"), status=FAILED)
        self.run_server("verify", status=USAGE)
        self.run_server("backup", "--data-dir", self.path("data"), status=USAGE)
        self.run_server("backup", "--data-dir", self.path("data"), "--to", self.path("b3"), "--fast", status=USAGE)

    def test_a_flipped_byte_anywhere_in_a_backup_is_found(self):
        _, server = self.synced(login_every=0, history_events=200)
        self.backup("b1")
        server.end()
        dice = random.Random(11)
        files = [os.path.join(d, n) for d, _, names in os.walk(self.path("b1")) for n in names]
        self.assertEqual(len(files), 4)
        for n in range(24):
            path = files[n % len(files)]
            at = dice.randrange(os.path.getsize(path))
            self.flip(path, at)
            out, _ = self.run_server("verify", "--from", self.path("b1"), status=DAMAGED)
            self.assertIn(os.path.relpath(path, self.path("b1")).split(".sha256")[0], out)
            self.flip(path, at)
        _ = self.assert_well("b1")
        self.flip(files[-1], 5000 if os.path.getsize(files[-1]) > 5000 else 3)
        _, err = self.restore("b1", "restored", status=DAMAGED)
        self.assertIn("nothing was restored", err)

    @staticmethod
    def flip(path, at):
        with open(path, "r+b") as f:
            f.seek(at)
            byte = f.read(1)
            f.seek(at)
            f.write(bytes([byte[0] ^ 0x5a]))

    def test_a_killed_backup_leaves_nothing_that_looks_like_one(self):
        _, server = self.synced(users=2000, history_events=20000, history_days=20, login_every="50ms", logs_limit=6000)
        partial = self.path("b1.partial")
        child = subprocess.Popen([SERVER, "backup", "--data-dir", self.path("data"), "--to", self.path("b1")],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            eventually("it has begun", lambda: os.path.isdir(partial) or child.poll() is not None)
        finally:
            child.kill()
            child.wait()
        if not os.path.exists(self.path("b1")):  # else it was faster than we
            eventually("its child is gone", lambda: self.backup_if_free("b1"))
        self.assertFalse(os.path.exists(partial))
        self.assert_well("b1")
        self.assertIn(self.status_of(server)["state"], ("CONNECTOR_STATE_LIVE", "CONNECTOR_STATE_SYNCING"))

    def backup_if_free(self, to):
        done = subprocess.run([SERVER, "backup", "--data-dir", self.path("data"), "--to", self.path(to)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=WAIT_S)
        self.assertTrue(done.returncode == 0 or "is under way" in done.stderr, done.stderr)
        return done.returncode == 0


if __name__ == "__main__":
    harness.main()
