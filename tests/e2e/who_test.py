"""Who may call what: each cell of the tables in server/rpc/README.md, with the caller that it names, through Debian's grpcio.

As root the server runs as a user of its own, and callers become others; otherwise the rows of other users are skipped."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import harness
from harness import eventually

TABLES = os.path.join(os.path.dirname(harness.SOURCES), "server", "rpc", "README.md")
OWN, READER, GROUP, OTHER = 4301, 4302, 4303, 4304
ADMIN_NAME, READER_NAME = "URI:spiffe://example.org/admin/ann", "DNS:a.readers.example.org"

# Run by Debian's Python as whoever calls: each method once, and what came of it.
CALLER = r'''
import json, os, sys, grpc
ask = json.load(sys.stdin)
tls = ask["tls"]
if tls:
    read = lambda path: open(path, "rb").read() if path else None
    channel = grpc.secure_channel(ask["address"], grpc.ssl_channel_credentials(*[read(path) for path in tls]))
else:
    channel = grpc.insecure_channel(ask["address"])
answers = {}
for method in ask["methods"]:
    listing = b"\x3a\x01*" if "Reflection" in method else b""
    call = channel.stream_stream("/" + method)(iter([listing]), timeout=20)
    try:
        next(call, None)
        answers[method] = ["OK", ""]
        call.cancel()
    except grpc.RpcError as e:
        answers[method] = [e.code().name, e.details() or ""]
json.dump(answers, sys.stdout)
sys.stdout.flush()
os._exit(0)  # grpcio may wait for ever, at its end, for a thread of a call that was cancelled
'''


def rows(heading):
    """The cells of the table under that first column."""
    with open(TABLES) as f:
        text = f.read()
    table = re.search(r"^\| %s \|.*\n\|[-|]+\|\n((?:\|.*\n)+)" % heading, text, re.M).group(1)
    return [[cell.strip().strip("`") for cell in line.strip("|\n").split(" | ")] for line in table.splitlines()]


METHODS = {method.strip(): needs.strip() for method, needs in rows("method")}
PEERS = [[cell.replace("`", "").strip() for cell in row] for row in rows("address")]


class Authority:
    """A CA in files."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.ca = os.path.join(folder, name + ".pem")
        self.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=tests", "-keyout",
                     os.path.join(folder, name + ".key"), "-out", self.ca)

    @staticmethod
    def openssl(words, *more):
        subprocess.run(["openssl"] + words.split() + list(more), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def issue(self, who, names, days=2):
        key, csr, certificate, ext = (os.path.join(self.folder, who + end) for end in (".key", ".csr", ".pem", ".ext"))
        with open(ext, "w") as f:
            f.write("subjectAltName=" + names + "\n")
        self.openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + who, "-keyout", key, "-out", csr)
        self.openssl("x509 -req -days %d" % days, "-in", csr, "-CA", self.ca, "-CAkey", os.path.join(self.folder, self.name + ".key"),
                     "-extfile", ext, "-out", certificate)
        return key, certificate


class Who(harness.Case):
    def setUp(self):
        super().setUp()
        self.is_root = os.geteuid() == 0
        ours, foreign = Authority(self.folder, "ours"), Authority(self.folder, "foreign")
        key, certificate = ours.issue("server", "DNS:localhost,IP:127.0.0.1")
        none = (None, None)
        self.certificates = {
            "a name in --tls-admin-san": ours.issue("admin", ADMIN_NAME),
            "a name in --tls-reader-san": ours.issue("reader", READER_NAME),
            "other names": ours.issue("other", "DNS:b.example.org"),
            "no certificate": none,
            "a certificate of another CA": foreign.issue("stranger", ADMIN_NAME + "," + READER_NAME),
            "an expired certificate": ours.issue("late", ADMIN_NAME + "," + READER_NAME, days=-1),
        }
        self.ca = ours.ca
        as_user = {}
        if self.is_root:
            # Where others may go, and the server is its own user.
            program = shutil.copy(harness.SERVER, os.path.join(self.folder, "okta-connectord"))
            for path in [self.folder] + [os.path.join(self.folder, name) for name in os.listdir(self.folder)]:
                os.chown(path, OWN, OWN)
            os.chmod(self.folder, 0o755)
            as_user = {"OKTA_CONNECTORD": program}
        self.start(key, certificate, as_user)

    def start(self, key, certificate, as_user):
        listen = ("admin=unix:{f}/admin.sock", "reader=unix:{f}/reader.sock", "reader=127.0.0.1:0", "admin=127.0.0.1:0", "reader=tls:127.0.0.1:0")
        before, popen = harness.SERVER, subprocess.Popen
        harness.SERVER = as_user.get("OKTA_CONNECTORD", before)
        if self.is_root:
            harness.subprocess.Popen = lambda argv, **more: popen(argv, user=OWN, group=OWN, extra_groups=[], **more)
        try:
            self.one = self.server("--reader-uid", str(READER), "--reader-gid", str(GROUP), "--tls-cert-file", certificate, "--tls-key-file",
                                   key, "--tls-client-ca-file", self.ca, "--tls-admin-san", "URI:spiffe://example.org/admin/*",
                                   "--tls-reader-san", "DNS:*.readers.example.org", listen=listen)
        finally:
            harness.SERVER, harness.subprocess.Popen = before, popen
        if self.is_root:
            # As if an operator had opened up the mode of the file: the acceptor alone decides.
            os.chmod(os.path.join(self.folder, "admin.sock"), 0o666)
        self.at = dict(zip(("admin, Unix socket", "reader, Unix socket", "reader, loopback without TLS", "admin, TLS", "reader, TLS"),
                           self.one.addresses))

    def call(self, address, methods, tls=None, user=None):
        ask = {"address": address, "methods": methods, "tls": tls}
        more = {"user": user[0], "group": user[1], "extra_groups": []} if user else {}
        done = subprocess.run(["/usr/bin/python3", "-B", "-c", CALLER], input=json.dumps(ask), text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=harness.WAIT_S * 4, cwd="/", **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def answers_of(self, address, who):
        """None when this machine cannot play that caller."""
        users = {"the server's own user": (OWN, OWN), "root": (0, 0), "--reader-uid": (READER, OTHER), "a member of --reader-gid": (OTHER, GROUP),
                 "any other user": (OTHER, OTHER), "any user of this machine": (OTHER, OTHER)}
        if who in self.certificates:
            key, certificate = self.certificates[who]
            return self.call(self.at[address], list(METHODS), tls=(self.ca, key, certificate))
        if self.is_root:
            return self.call(self.at[address], list(METHODS), user=users[who])
        if who in ("the server's own user", "any user of this machine"):
            return self.call(self.at[address], list(METHODS))
        return None

    def check(self, what, want, code, text):
        if want == "answered":
            self.assertNotIn(code, ("PERMISSION_DENIED", "UNAVAILABLE", "UNIMPLEMENTED", "DEADLINE_EXCEEDED", "UNAUTHENTICATED"), what + (text,))
        elif want == "refused":
            self.assertEqual(code, "PERMISSION_DENIED", what + (text,))
            self.assertGreater(len(text), 40, what)
        else:
            self.assertEqual((want, code), ("no connection", "UNAVAILABLE"), what + (text,))

    def test_each_cell(self):
        self.assertEqual(len(PEERS), 23)
        played = 0
        for address, who, reader, admin in PEERS:
            answers = self.answers_of(address, who)
            if answers is None:
                continue
            played += 1
            for method, needs in METHODS.items():
                with self.subTest(address=address, who=who, method=method):
                    self.check((address, who, method), admin if needs == "admin" else reader, *answers[method])
        self.assertEqual(played, 23 if self.is_root else 15)

    def test_each_method_has_its_row(self):
        out, _ = self.buf(None, unix=self.one.admin)
        self.assertEqual(sorted(out.split()), sorted(METHODS))

    def test_the_command_line_says_what_is_wrong_with_tls(self):
        address = self.at["reader, TLS"]
        key, certificate = self.certificates["a name in --tls-reader-san"]
        ours = ("--tls-ca-file", self.ca)
        own = ("--tls-cert-file", certificate, "--tls-key-file", key)
        self.cli(address, "status", *ours, *own)
        self.cli(address, "probe", *ours, *own)
        late_key, late = self.certificates["an expired certificate"]
        other_key, other = self.certificates["other names"]
        for status, said, argv in [
                (4, "--tls-ca-file", own),
                (4, "--tls-ca-file", ("--tls-ca-file", self.ca.replace("ours", "foreign")) + own),
                (4, "--tls-cert-file", ours),
                (4, "--tls-cert-file", ours + ("--tls-cert-file", late, "--tls-key-file", late_key)),
                (4, "--tls-server-name", ours + own + ("--tls-server-name", "other.example")),
                (4, "--tls", ()),
                (7, "--tls-reader-san", ours + ("--tls-cert-file", other, "--tls-key-file", other_key)),
                (2, "the key is missing", ours + ("--tls-cert-file", certificate)),
                (2, "No such file", ("--tls-ca-file", "/nowhere.pem") + own),
                (2, "in PEM", ours + ("--tls-cert-file", key, "--tls-key-file", key))]:
            with self.subTest(argv=argv):
                self.assertIn(said, self.cli(address, "status", *argv, status=status)[1])
        self.assertIn("does not speak TLS", self.cli(self.at["reader, loopback without TLS"], "status", *ours, status=4)[1])
        self.assertIn("needs no TLS", self.cli(self.one.reader, "status", *ours, status=2)[1])
        self.assertIn("--tls-admin-san", self.cli(address, "delete", "acme", "--yes", *ours, *own, status=7)[1])


if __name__ == "__main__":
    harness.main()
