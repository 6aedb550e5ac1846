"""What the server can do, and cannot: what it asks Okta for, and where it connects to."""

import os
import shutil
import subprocess
import unittest

import harness

CLIENT_ID = "0oaSandboxTest000001"


def may_unshare():
    """Whether namespaces of one's own can be made here."""
    return shutil.which("unshare") and subprocess.run(["unshare", "--mount", "--net", "true"], stdin=subprocess.DEVNULL,
                                                      stderr=subprocess.DEVNULL).returncode == 0


class Asked(harness.Case):
    def test_all_that_is_asked_is_the_list_and_all_of_the_list_is_asked(self):
        key, public = os.path.join(self.folder, "app.pem"), os.path.join(self.folder, "app.pub")
        harness.Authority.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key])
        harness.Authority.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public])
        self.secret_files.add(key)
        org = self.emulator(client_id=CLIENT_ID, client_key="k1=" + public)
        server = self.server()
        self.configure(server, org)
        self.cli(server, "sync", "acme", "--history")
        self.cli(server, "reconnect", "acme", "--client-id", CLIENT_ID, "--private-key-file", key, "--key-id", "k1")
        self.cli(server, "sync", "acme")
        self.assertEqual(set(org.stats()["paths"]), harness.ASKED)


@unittest.skipUnless(may_unshare(), "needs namespaces of its own")
class Addresses(harness.Case):
    """In a network of its own, which leads nowhere, with a hosts file of its own."""

    runs = 0

    def configure_at(self, address, *flags):
        hosts = os.path.join(self.folder, "hosts")
        with open(hosts, "w") as f:
            f.write("%s acme.okta.com\n" % address)
        self.runs += 1
        folder, log = (os.path.join(self.folder, "%s.%d" % (name, self.runs)) for name in ("data", "log"))
        server = harness.Process(["unshare", "--mount", "--net", "sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\"", hosts,
                                  harness.SERVER, "--data-dir", folder, "--listen", "admin=unix:%s/admin.sock" % self.folder]
                                 + list(flags), log)
        self.addCleanup(self.end_quietly, server)
        harness.eventually("it listens", lambda: '"listen"' in server.text())
        _, err = self.cli("unix:%s/admin.sock" % self.folder, "configure", "acme", "--org", "acme", "--token-file", self.token_file(),
                          status=6)
        self.assertEqual(server.end(), 0)
        return err

    def test_a_name_that_leads_into_the_network_is_refused(self):
        for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"]:
            with self.subTest(address):
                self.assertIn("is not asked: the org's name leads to " + address, self.configure_at(address))

    def test_one_that_is_allowed_is_asked(self):
        self.assertIn("does not answer", self.configure_at("10.0.0.1", "--allow-private-org"))
        self.assertIn("is not asked", self.configure_at("169.254.169.254", "--allow-private-org"))


if __name__ == "__main__":
    harness.main()
