"""Hostile peers for some seconds: the server lives, health answers on another connection, and memory stays bounded. (How soon it
answers, and a thousand peers for minutes: bazel/bench hostile.)"""

import json
import os
import socket
import subprocess
import sys
import unittest

import harness

PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hostile.py")
CONNECTIONS, SECONDS = 140, 5
MEMORY_MB_MAX = 64


class Hostile(harness.Case):
    def setUp(self):
        super().setUp()
        self.authority = harness.Authority(self.folder)
        self.one = self.server("--tls-cert-file", self.authority.certificate, "--tls-key-file", self.authority.key, "--tls-client-ca-file",
                               self.authority.ca, "--tls-reader-san", "DNS:localhost",
                               listen=("admin=unix:{f}/admin.sock", "reader=unix:{f}/reader.sock", "127.0.0.1:0", "tls:127.0.0.1:0"))

    def anonymous_mb(self):
        with open("/proc/%d/status" % self.one.child.pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith("RssAnon:")) / 1024

    def withstand(self, address, *tls):
        import grpc
        health = grpc.insecure_channel(self.one.reader).unary_unary("/grpc.health.v1.Health/Check")
        child = subprocess.Popen([sys.executable, "-B", PEERS, address, str(CONNECTIONS), str(SECONDS)] + list(tls), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, text=True)
        peak = 0
        while child.poll() is None:
            self.assertEqual(health(b"", timeout=harness.WAIT_S), b"\x08\x01")
            peak = max(peak, self.anonymous_mb())
        done = json.loads(child.stdout.read())
        child.stdout.close()
        self.assertGreaterEqual(done["connections"], CONNECTIONS, done)
        self.assertGreater(done["thrown_out"], 0, done)
        self.assertLess(peak, MEMORY_MB_MAX)
        self.cli(self.one, "status")
        self.assertEqual(self.one.end(), 0)

    def test_without_tls(self):
        self.withstand(self.one.addresses[2])

    def test_by_tls(self):
        self.withstand(self.one.addresses[3], self.authority.ca, self.authority.key, self.authority.certificate)


    def goaway(self, address):
        """What it says at the end to a peer that pings all the time."""
        if address.startswith("unix:"):
            peer = socket.socket(socket.AF_UNIX)
            peer.connect(address[len("unix:"):])
        else:
            host, port = address.rsplit(":", 1)
            peer = socket.create_connection((host, int(port)))
        with peer:
            peer.settimeout(harness.WAIT_S)
            peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
            peer.sendall((b"\0\0\10\6\0\0\0\0\0" + b"pingpong") * 10)
            heard = b""
            while b"too_many_pings" not in heard:
                data = peer.recv(4096)
                if not data:
                    break
                heard += data
            return heard

    def test_pings_all_the_time_end_the_connection(self):
        for address in (self.one.reader, self.one.addresses[2]):
            with self.subTest(address):
                self.assertIn(b"too_many_pings", self.goaway(address))
        self.cli(self.one, "status")


if __name__ == "__main__":
    harness.main()
