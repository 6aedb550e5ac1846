"""The whole connector, for tests: an emulated org, the server, the command line, and clients nobody here wrote.

Everything listens on loopback or a Unix socket in a temporary folder, every wait is bounded, and every process is
ended by its id."""

import collections
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

SOURCES = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
# Where Bazel laid out what a test needs; by hand, from the top of the tree, what it built.
ROOT = os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"]) if "TEST_SRCDIR" in os.environ else "bazel-bin"
SERVER = os.environ.get("OKTA_CONNECTORD", os.path.join(ROOT, "server", "okta-connectord"))
CLIENT = os.environ.get("OKTA_CONNECTOR", os.path.join(ROOT, "client", "okta-connector"))
EMULATOR = os.environ.get("OKTA_EMULATOR", os.path.join(ROOT, "tests", "emulator", "okta-emulator"))
NGHTTPX = shutil.which("nghttpx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin") or "nghttpx"
# npm brings the one that is for this machine.
BUF = next(iter(glob.glob(os.path.join(SOURCES, "node_modules", "@bufbuild", "buf-linux-*", "bin", "buf"))), "buf")
TOKEN = "00harnessTokenNotReal0123456789abcdefghijkl"
WAIT_S = 60
# This machine may have a configuration of its own.
os.environ.setdefault("OKTA_CONNECTOR_CONFIG", "/dev/null")
# All that may be asked of Okta: server/okta/allowed.c. Of these only the last by POST, which the emulator sees to.
ASKED = {"/.well-known/okta-organization", "/api/v1/logs", "/api/v1/users", "/api/v1/iam/assignees/users", "/oauth2/v1/token"}

sys.path.insert(0, os.path.join(ROOT, "tests", "e2e", "py"))


def eventually(what, check, seconds=WAIT_S):
    """The first true value of check(), asked again and again; fails with `what` when time is up."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (seconds, what))
        time.sleep(0.05)


class Process:
    """A child with its output in a file."""

    def __init__(self, argv, out, env=None):
        self.out = open(out, "ab")
        self.path = out
        self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out, env=env)

    def text(self):
        with open(self.path, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def end(self, how=signal.SIGTERM, seconds=30):
        """Signals it and returns its exit status; KILLs it, and fails, when it does not end."""
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            status = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError("%d did not end on signal %d:\n%s" % (self.child.pid, how, self.text()))
        finally:
            self.out.close()
        return status


class Authority:
    """A certificate authority of our own, and a certificate of it for 127.0.0.1 and localhost."""

    def __init__(self, folder):
        self.ca = os.path.join(folder, "ca.pem")
        self.key, self.certificate = os.path.join(folder, "tls.key"), os.path.join(folder, "tls.pem")
        ca_key, request, names = (os.path.join(folder, n) for n in ("ca.key", "tls.csr", "tls.ext"))
        with open(names, "w") as f:
            f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self.run(new + ["-x509", "-days", "2", "-subj", "/CN=tests of ours", "-keyout", ca_key, "-out", self.ca])
        self.run(new + ["-subj", "/CN=127.0.0.1", "-keyout", self.key, "-out", request])
        self.run(["openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", ca_key, "-days", "2", "-extfile", names,
                  "-out", self.certificate])

    @staticmethod
    def run(argv):
        subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def free_port():
    """One that nobody has at the moment."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Front(Process):
    """TLS and HTTP/2 before the emulator, by nghttpx."""

    def __init__(self, folder, authority, port, backend_port):
        argv = [NGHTTPX, "-f", "127.0.0.1,%d" % port, "-b", "127.0.0.1,%s" % backend_port, "-n", "1", "--conf=/dev/null",
                "--errorlog-file=/dev/stderr", "--accesslog-file=/dev/stdout", "--accesslog-format=$alpn $request", authority.key, authority.certificate]
        super().__init__(argv, os.path.join(folder, "front.log"))
        eventually("nghttpx listens", lambda: self.listens(port))

    def listens(self, port):
        if self.child.poll() is not None:
            raise AssertionError("nghttpx ended:\n" + self.text())
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0


class Emulator(Process):
    """An Okta org on loopback. With tls its url is https, HTTP/2 is spoken there, and `authority` vouches for it; it is steered
    by http all the same."""

    def __init__(self, folder, tls=False, **flags):
        port_file = os.path.join(folder, "emulator.port")
        argv = [EMULATOR, "--port-file", port_file, "--token", TOKEN]
        self.front = self.authority = None
        if tls:
            tls_port = free_port()
            flags["base_url"] = "https://127.0.0.1:%d" % tls_port
        for name, value in flags.items():
            argv += ["--" + name.replace("_", "-"), str(value)]
        super().__init__(argv, os.path.join(folder, "emulator.log"))

        def port():
            if self.child.poll() is not None:
                raise AssertionError("the emulator ended:\n" + self.text())
            try:
                with open(port_file) as f:
                    return f.read().strip()
            except FileNotFoundError:
                return None

        backend_port = eventually("the emulator listens", port)
        self.url = self.steering = "http://127.0.0.1:" + backend_port
        if tls:
            self.authority = Authority(folder)
            self.front = Front(folder, self.authority, tls_port, backend_port)
            self.url = flags["base_url"]

    def http(self, method, path, body=None):
        request = urllib.request.Request(self.steering + path, data=body, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=WAIT_S) as answer:
            return answer.read().decode()

    def post(self, path, body=b""):
        return self.http("POST", path, body)

    def truth(self, logins_only=True):
        lines = self.http("GET", "/__truth" + ("?logins=1" if logins_only else "")).splitlines()
        return [json.loads(line) for line in lines if line]

    def stats(self):
        return json.loads(self.http("GET", "/__stats"))


class Server(Process):
    """okta-connectord on a data folder."""

    def __init__(self, folder, *args, listen=("admin=unix:{f}/admin.sock", "reader=unix:{f}/reader.sock", "reader=127.0.0.1:0"),
                 env=None, loopback=True, wrap=()):
        self.folder = folder
        argv = list(wrap) + [SERVER, "--data-dir", os.path.join(folder, "data")]
        if loopback:
            argv.append("--allow-http-loopback-org")
        for one in listen:
            argv += ["--listen", one.format(f=folder)]
        log = os.path.join(folder, "server.log")
        self.seen = os.path.getsize(log) if os.path.exists(log) else 0
        super().__init__(argv + list(args), log, env)
        self.admin = "unix:" + os.path.join(folder, "admin.sock")
        self.reader = "unix:" + os.path.join(folder, "reader.sock")
        self.addresses = eventually("the server listens", lambda: self.bound(len(listen)))
        self.tcp = next((a for a in self.addresses if not a.startswith("unix:")), None)
        self.arguments, self.environment = self.proc("cmdline"), self.proc("environ")

    def proc(self, name):
        """What everybody, or its own user, may read of it there."""
        try:
            with open("/proc/%d/%s" % (self.child.pid, name), "rb") as f:
                return f.read()
        except PermissionError:
            return b""

    def events(self):
        """Its log since this start, as objects; a line that is no JSON fails."""
        with open(self.path, "rb") as f:
            f.seek(self.seen)
            return [json.loads(line) for line in f.read().decode("utf-8", "replace").splitlines() if line.startswith("{")]

    def bound(self, count):
        if self.child.poll() is not None:
            raise AssertionError("the server ended:\n" + self.text())
        found = [e["address"] for e in self.events() if e["event"] == "listen"]
        return found if len(found) == count else None


class Case(unittest.TestCase):
    """A temporary folder, and helpers that clean up after themselves."""

    longMessage = True
    asks_itself = False  # a test that asks the emulator more than the connector may

    def setUp(self):
        # A Unix socket's path has at most 107 bytes, and Bazel's folders are long.
        holder = tempfile.TemporaryDirectory(prefix="oc", dir="/tmp")
        self.addCleanup(holder.cleanup)
        self.folder = holder.name
        self.outputs = []
        self.servers = []
        # What must be told nowhere, and the files that hold it since a test put it there.
        self.secrets = {TOKEN}
        self.secret_files = set()
        # Runs when every process has ended, and before the folder goes: each test is a test of secrets.
        self.addCleanup(self.assert_no_secret_told)

    def emulator(self, **flags):
        flags.setdefault("users", 50)
        flags.setdefault("history_events", 500)
        flags.setdefault("history_days", 3)
        flags.setdefault("login_every", "100ms")
        # Enough calls a minute for a back-fill to end while a test waits.
        flags.setdefault("logs_limit", 1200)
        one = Emulator(self.folder, **flags)
        self.addCleanup(self.end_quietly, one)
        if one.front is not None:
            self.addCleanup(self.end_quietly, one.front)
        self.addCleanup(self.assert_only_read, one)
        return one

    def server(self, *args, **more):
        one = Server(self.folder, *args, **more)
        self.servers.append(one)
        self.addCleanup(self.end_quietly, one)
        return one

    def assert_only_read(self, emulator):
        """Whatever a test does, the org is asked for nothing that is not on the list, and for nothing that could change it."""
        if emulator.child.poll() is None and not self.asks_itself:
            stats = emulator.stats()
            self.assertEqual(set(stats["paths"]) - ASKED, set())
            self.assertEqual(stats["violations"], 0)

    @staticmethod
    def end_quietly(process):
        if process.child.poll() is None:
            process.child.kill()
            process.child.wait()
        process.out.close()

    def token_file(self, token=TOKEN, name="token", mode=0o600):
        return self.secret_file(token + "\n", name, mode)

    def secret_file(self, text, name, mode=0o600):
        """A file with a secret, which is told nowhere from then on."""
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        self.secret_files.add(path)
        self.keep_secret(text)
        return path

    def keep_secret(self, text):
        """Each line of it that is long enough to be one."""
        self.secrets |= {line.strip() for line in text.splitlines() if len(line.strip()) >= 16 and not line.startswith("-----")}

    def told(self):
        """All that was said to anybody, or written: (where, bytes)."""
        for n, text in enumerate(self.outputs):
            yield "output %d" % n, text.encode()
        for server in self.servers:
            yield "the server's arguments", server.arguments
            yield "the server's environment", server.environment
        for folder, _, files in os.walk(self.folder):
            for path in (os.path.join(folder, name) for name in files):
                # The emulator was given its token as an argument; it is no part of the product.
                if path not in self.secret_files and os.path.isfile(path) and os.path.basename(path) != "emulator.log":
                    with open(path, "rb") as f:
                        yield os.path.relpath(path, self.folder), f.read()

    def assert_no_secret_told(self):
        for where, data in self.told():
            for secret in self.secrets:
                self.assertFalse(secret.encode() in data, "%s holds a secret that begins with %s" % (where, secret[:4]))
            if where == "server.log":
                self.assertFalse(b"eyJ" in data, "the log holds a signed token")

    def cli(self, server, *args, status=0, timeout=WAIT_S, stdin=None):
        """Runs the command line to its end; returns (stdout, stderr)."""
        done = subprocess.run([CLIENT, "--server", getattr(server, "admin", server)] + list(args), input=stdin, text=True,
                              stdin=subprocess.DEVNULL if stdin is None else None, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout)
        self.outputs += [done.stdout, done.stderr]
        if status is not None:
            self.assertEqual(done.returncode, status, "%s\nstdout: %s\nstderr: %s" % (args, done.stdout[-2000:], done.stderr))
        return done.stdout, done.stderr

    def background(self, server, *args, out):
        """The command line in the background, its stdout in a file; read it with lines_of(out)."""
        path = os.path.join(self.folder, out)
        stdout = open(path, "ab")
        stderr = open(path + ".err", "ab")
        child = subprocess.Popen([CLIENT, "--server", getattr(server, "admin", server)] + list(args), stdin=subprocess.DEVNULL,
                                 stdout=stdout, stderr=stderr)
        stdout.close()
        stderr.close()

        def end():
            if child.poll() is None:
                child.kill()
            child.wait()

        self.addCleanup(end)
        return child

    def lines_of(self, out):
        """The whole JSON lines in a file so far."""
        with open(os.path.join(self.folder, out), "rb") as f:
            text = f.read()
        return [json.loads(line) for line in text[:text.rfind(b"\n") + 1].decode().splitlines()]

    def configure(self, server, emulator, name="acme", *more):
        return self.cli(server, "configure", name, "--org", emulator.url, "--token-file", self.token_file(), *more)

    def reached(self, server, name):
        """Waits until a declared connector has had its first answer from Okta, and so runs."""
        def row():
            rows = json.loads(self.cli(server, "status", "-o", "json")[0]).get("connectors", [])
            return next((r for r in rows if r["name"] == name and r.get("org_id")), None)

        return eventually("Okta has answered for " + name, row)

    def buf(self, path, data="{}", server=None, unix=None, timeout=None, expect=0):
        """buf curl over reflection; returns (stdout, stderr)."""
        argv = [BUF, "curl", "--protocol", "grpc"]
        if timeout:
            argv += ["--timeout", timeout]
        if unix:
            argv += ["--unix-socket", unix[len("unix:"):]]
            base = "http://localhost"
        else:
            base = "http://" + server
        argv += ["--list-methods", base] if path is None else ["-d", data, base + "/" + path]
        env = dict(os.environ, HOME=self.folder, BUF_CACHE_DIR=os.path.join(self.folder, "buf"))
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=WAIT_S, env=env)
        self.outputs += [done.stdout, done.stderr]
        if expect is not None:
            self.assertEqual(done.returncode, expect, "%s\nstdout: %s\nstderr: %s" % (argv, done.stdout[-2000:], done.stderr))
        return done.stdout, done.stderr

    # ---- what must be true of logins ----

    def assert_exactly_once(self, events, before, after):
        """Every login event that the org had made visible `before`, each once, in ascending sequence; and none that it had not
        `after`. Late events come when they please, so the two may differ."""
        sequences = [int(e["sequence"]) for e in events]
        self.assertEqual(sequences, sorted(set(sequences)), "sequences ascend, each once")
        counts = collections.Counter(e["uuid"] for e in events)
        doubled = [u for u, n in counts.items() if n > 1]
        lost = {t["uuid"] for t in before} - set(counts)
        self.assertEqual((len(doubled), len(lost)), (0, 0), "doubled %s, lost %s" % (doubled[:5], sorted(lost)[:5]))
        self.assertFalse(set(counts) - {t["uuid"] for t in after}, "no event that the org did not make")

    def assert_store_is_the_org(self, server, emulator, name="acme"):
        """Brings the connector to the head, then compares all it holds with the org's own record."""
        emulator.post("/__stop-logins")
        before = emulator.truth()
        self.cli(server, "sync", name, "--history", timeout=120)
        out, _ = self.cli(server, "logins", name, "--from-beginning", "--require-complete-history", "-o", "jsonl")
        events = [json.loads(line) for line in out.splitlines()]
        self.assert_exactly_once(events, before, emulator.truth())
        return events

    def assert_follower_has_the_org(self, server, emulator, out, name="acme"):
        """The same for a follower that reads everything into a file."""
        emulator.post("/__stop-logins")
        before = emulator.truth()
        self.cli(server, "sync", name, "--history", timeout=120)
        wanted = {t["uuid"] for t in before}
        eventually("the follower has all", lambda: wanted <= {e["uuid"] for e in self.lines_of(out)})
        self.assert_exactly_once(self.lines_of(out), before, emulator.truth())


def main():
    if not os.access(SERVER, os.X_OK):
        sys.exit("no server at " + SERVER)
    unittest.main(verbosity=2)
