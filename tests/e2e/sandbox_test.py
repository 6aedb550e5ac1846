"""What the server can do, and cannot: what it asks Okta for, and where it connects to."""

import os
import shutil
import signal
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


def status_of(pid):
    """/proc/PID/status, as the kernel tells it."""
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


class Confined(harness.Case):
    NONE = "0000000000000000"

    def test_the_kernel_says_that_the_server_is_confined(self):
        server = self.server()
        told = next(e for e in server.events() if e["event"] == "sandbox")
        self.assertEqual((told["no_new_privs"], told["capabilities"], told["seccomp"]), ("yes", "none", "yes"))
        threads = os.listdir("/proc/%d/task" % server.child.pid)
        self.assertGreater(len(threads), 1)
        for thread in threads:
            shown = status_of(int(thread))
            self.assertEqual((shown["NoNewPrivs"], shown["Seccomp"]), ("1", "2"))
            self.assertEqual([shown[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")], [self.NONE] * 4)

    def test_off_is_said_aloud(self):
        server = self.server("--sandbox=off")
        told = [e for e in server.events() if e["event"].startswith("sandbox")]
        self.assertEqual([(e["event"], e["level"]) for e in told], [("sandbox.off", "warn")])
        self.assertEqual(status_of(server.child.pid)["Seccomp"], "0")

    def test_root_is_told_not_to_be(self):
        server = self.server()
        warned = [e["level"] for e in server.events() if e["event"] == "sandbox.root"]
        self.assertEqual(warned, ["warn"] if os.geteuid() == 0 else [])

    @unittest.skipUnless(os.geteuid() == 0 and os.path.exists("/usr/bin/setpriv"), "needs root, to become somebody else")
    def test_who_is_not_root_is_confined_as_well(self):
        os.chmod(self.folder, 0o755)
        own = os.path.join(self.folder, "own")
        os.mkdir(own)
        os.chown(own, 65534, 65534)
        program = shutil.copy(harness.SERVER, self.folder)
        os.chmod(program, 0o755)
        log = os.path.join(self.folder, "nobody.log")
        server = harness.Process(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program, "--data-dir",
                                  os.path.join(own, "data"), "--listen", "admin=unix:%s/admin.sock" % own], log)
        self.addCleanup(self.end_quietly, server)
        harness.eventually("it listens", lambda: '"listen"' in server.text())
        shown = status_of(server.child.pid)
        self.assertEqual((shown["NoNewPrivs"], shown["Seccomp"], shown["CapEff"]), ("1", "2", self.NONE))
        self.assertNotIn("sandbox.root", server.text())

    def test_a_crash_leaves_no_core(self):
        """Where the kernel would put it, too: with the limit at 0 and not dumpable there is none to pipe anywhere."""
        folder = os.path.join(self.folder, "cwd")
        os.mkdir(folder)
        server = harness.Process(["sh", "-c", "cd \"$0\" && ulimit -c unlimited && exec \"$@\"", folder, os.path.abspath(harness.SERVER),
                                  "--data-dir", os.path.join(self.folder, "data"), "--listen", "admin=unix:%s/admin.sock" % self.folder],
                                 os.path.join(self.folder, "crash.log"))
        self.addCleanup(self.end_quietly, server)
        harness.eventually("it listens", lambda: '"listen"' in server.text())
        server.child.send_signal(signal.SIGABRT)
        self.assertEqual(server.child.wait(harness.WAIT_S), -signal.SIGABRT)
        self.assertEqual(os.listdir(folder), [])


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
