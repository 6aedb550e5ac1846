"""Secrets go in and come out nowhere. What every test's end looks for (harness.Case.told) is made here to be everywhere
that it could be: wrong ones and right ones, of both kinds, by request, by file and by environment, through a whole life."""

import base64
import json
import os
import signal
import socket
import subprocess
import threading

import harness
from harness import TOKEN, eventually

CLIENT_ID = "0oaSecretsTest000001"
WRONG = "00wrongTokenThatOktaRefuses0123456789abcd"
NEXT = "00theNextTokenThatOktaTakes0123456789abcde"
PASSWORD = "aProxysPasswordNotReal"


class Proxy(threading.Thread):
    """Makes tunnels for who knows the password."""

    def __init__(self):
        super().__init__(daemon=True)
        self.basic = base64.b64encode(("ann:" + PASSWORD).encode()).decode()
        self.tunnels = self.refused = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(near,), daemon=True).start()

    def serve(self, near):
        head = b""
        with near:
            while b"\r\n\r\n" not in head:
                data = near.recv(4096)
                if not data:
                    return
                head += data
            if ("Basic " + self.basic).encode() not in head:
                self.refused += 1
                near.sendall(b"HTTP/1.1 407 Denied\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")
                return
            host, port = head.split()[1].decode().rsplit(":", 1)
            self.tunnels += 1
            with socket.create_connection((host, int(port))) as far:
                near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=self.pump, args=(far, near), daemon=True)
                back.start()
                self.pump(near, far)
                back.join(harness.WAIT_S)

    @staticmethod
    def pump(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        finally:
            try:
                other.shutdown(socket.SHUT_WR)
            except OSError:
                pass


class Secrets(harness.Case):
    def key(self, name):
        """A new key: (the file with its private half, the one with its public half)."""
        new = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], check=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        private, public = self.secret_file(new, name + ".pem"), os.path.join(self.folder, name + ".pub")
        subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True, stdin=subprocess.DEVNULL)
        return private, public

    def status(self, server):
        return json.loads(self.cli(server, "status", "-o", "json")[0])["connectors"][0]

    def look_everywhere(self, server):
        for args in [("status",), ("status", "-o", "json"), ("logins", "--last", "5", "-o", "json"), ("users", "-o", "jsonl")]:
            self.cli(server, *args)
        self.buf("okta.connector.v1.Connector/Status", unix=server.admin)

    def test_a_tokens_whole_life(self):
        org = self.emulator()
        server = self.server("--log-level", "debug")
        self.cli(server, "configure", "acme", "--org", org.url, "--token-file", self.token_file(WRONG, "wrong"), status=6)
        self.cli(server, "configure", "acme", "--org", org.url, "--token-file", "-", "--check", stdin=TOKEN)
        self.configure(server, org)
        self.cli(server, "sync", "acme", "--history")
        self.cli(server, "reconnect", "acme", "--token-file", self.token_file(WRONG, "wrong"), status=6)
        self.look_everywhere(server)
        org.post("/__token?value=" + NEXT)
        self.cli(server, "reconnect", "acme", "--token-file", self.token_file(NEXT, "next"))
        server.end(signal.SIGKILL)
        server = self.server("--log-level", "debug")
        self.cli(server, "sync", "acme")
        self.look_everywhere(server)
        self.assert_store_is_the_org(server, org)
        for folder, _, files in os.walk(os.path.join(self.folder, "data")):
            for name in files:
                self.assertEqual(os.stat(os.path.join(folder, name)).st_mode & 0o077, 0, name)

    def test_a_service_apps_whole_life(self):
        private, public = self.key("app")
        other, _ = self.key("other")
        org = self.emulator(client_id=CLIENT_ID, client_key="k1=" + public, dpop="required")
        server = self.server("--log-level", "debug")

        def app(command, key, *more, **how):
            return self.cli(server, command, "acme", "--client-id", CLIENT_ID, "--private-key-file", key, "--key-id", "k1", *more, **how)

        app("configure", other, "--org", org.url, status=6)
        app("configure", private, "--org", org.url)
        self.cli(server, "sync", "acme", "--history")
        app("reconnect", other, status=6)
        self.look_everywhere(server)
        shown = self.status(server)["credential"]
        self.assertEqual((shown["kind"], shown["client_id"]), ("CREDENTIAL_KIND_SERVICE_APP", CLIENT_ID))
        self.assertEqual(set(shown["scopes_granted"]), {"okta.logs.read", "okta.users.read"})
        server.end(signal.SIGKILL)
        server = self.server("--log-level", "debug")
        self.cli(server, "sync", "acme")
        self.assert_store_is_the_org(server, org)

    def test_declared_and_rotated_by_file(self):
        """As Kubernetes does it: the file is a link through ..data, which is turned."""
        org = self.emulator()
        mount = os.path.join(self.folder, "mount")
        for name, token in [("one", TOKEN), ("two", WRONG), ("three", NEXT)]:
            os.makedirs(os.path.join(mount, ".." + name))
            self.token_file(token, os.path.join("mount", ".." + name, "token"))

        def turn(name):
            os.symlink(".." + name, os.path.join(mount, "..next"))
            os.rename(os.path.join(mount, "..next"), os.path.join(mount, "..data"))

        turn("one")
        path = os.path.join(mount, "token")
        os.symlink("..data/token", path)
        self.secret_files |= {path, os.path.join(mount, "..data", "token")}
        server = self.server("--org", org.url, "--token-file", path, "--name", "acme", "--log-level", "debug")
        self.reached(server, "acme")
        self.cli(server, "sync", "acme", "--history")
        before = self.status(server)["credential"]

        turn("two")
        refused = eventually("the wrong one is tried", lambda: [e for e in server.events() if e["event"] == "connector.declared_waits"])
        self.assertIn("token", refused[0]["error"])
        self.assertEqual(self.status(server)["credential"]["fingerprint"], before["fingerprint"], "the old one stays")

        org.post("/__token?value=" + NEXT)
        turn("three")
        server.child.send_signal(signal.SIGHUP)
        after = eventually("the right one is in use",
                           lambda: (c := self.status(server)["credential"])["fingerprint"] != before["fingerprint"] and c)
        self.assertTrue(after["from_file"])
        told = [e for e in server.events() if e["event"] == "connector.credential"]
        self.assertEqual((told[-1]["was"], told[-1]["fingerprint"]), (before["fingerprint"], after["fingerprint"]))
        self.assert_store_is_the_org(server, org)

    def test_a_declared_service_app(self):
        private, public = self.key("app")
        org = self.emulator(client_id=CLIENT_ID, client_key="k1=" + public, dpop="strict")
        server = self.server("--org", org.url, "--client-id", CLIENT_ID, "--private-key-file", private, "--key-id", "k1", "--name", "acme")
        self.reached(server, "acme")
        self.assert_store_is_the_org(server, org)
        self.assertTrue(self.status(server)["credential"]["from_file"])

    def test_through_a_proxy_with_a_password(self):
        self.keep_secret(PASSWORD)
        proxy = Proxy()
        self.addCleanup(proxy.listener.close)
        org = self.emulator(tls=True)
        env = dict(os.environ, OKTA_CONNECTOR_PROXY="http://ann:%s@127.0.0.1:%d" % (PASSWORD, proxy.port))
        server = self.server("--ca-file", org.authority.ca, "--log-level", "debug", env=env)
        self.configure(server, org)
        self.assert_store_is_the_org(server, org)
        self.look_everywhere(server)
        self.assertGreater(proxy.tunnels, 0)
        self.assertEqual(server.end(), 0)

        env["OKTA_CONNECTOR_PROXY"] = "http://ann:anotherPasswordNotReal@127.0.0.1:%d" % proxy.port
        self.keep_secret("anotherPasswordNotReal")
        server = self.server("--ca-file", org.authority.ca, env=env)
        _, err = self.cli(server, "configure", "acme", "--org", org.url, "--token-file", self.token_file(), status=6)
        self.assertIn("407", err)
        self.assertIn("credentials", err)

    def test_nobody_may_look_into_the_process(self):
        """Not even a process of the same user without capabilities. CAP_SYS_PTRACE overrides the rule, and in newer kernels
        CAP_PERFMON and CAP_SYS_ADMIN do so for reading, so the server and the reader run without any capability."""
        # Root gains on exec what is in the bounding set or in the inheritable set, so both are emptied.
        plain = ["setpriv", "--inh-caps", "-all"] + (["--bounding-set", "-all"] if os.geteuid() == 0 else [])
        if subprocess.run(plain + ["true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("capabilities cannot be dropped here (root needs CAP_SETPCAP for it)")

        def may_read(pid, what="environ"):
            return subprocess.run(plain + ["sh", "-c", ": <$0", "/proc/%d/%s" % (pid, what)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL).returncode == 0

        another = harness.Process(plain + ["sleep", "600"], os.path.join(self.folder, "sleep.log"))
        self.addCleanup(self.end_quietly, another)
        eventually("an ordinary process can be looked into", lambda: may_read(another.child.pid))
        log = os.path.join(self.folder, "plain.log")
        server = harness.Process(plain + [harness.SERVER, "--data-dir", os.path.join(self.folder, "mine"), "--listen", "127.0.0.1:0"], log)
        self.addCleanup(self.end_quietly, server)
        eventually("it listens", lambda: '"listen"' in server.text())
        for what in ("environ", "maps", "mem", "auxv"):
            self.assertFalse(may_read(server.child.pid, what), what)
        with open("/proc/%d/limits" % server.child.pid) as f:
            self.assertRegex(f.read(), r"Max core file size +0 +0 ")

    def test_a_password_on_the_command_line_is_refused(self):
        refused = harness.Process([harness.SERVER, "--data-dir", os.path.join(self.folder, "other"), "--proxy",
                                   "http://ann:%s@127.0.0.1:1" % PASSWORD], os.path.join(self.folder, "refused.log"))
        self.assertEqual(refused.child.wait(harness.WAIT_S), 2)
        refused.out.close()
        self.assertIn("OKTA_CONNECTOR_PROXY", refused.text())
        self.assertNotIn(PASSWORD, refused.text())


if __name__ == "__main__":
    harness.main()
