"""The end of the server: every stream is ended by us, with its place; whoever waits is answered; nothing holds it up."""

import os
import signal
import socket
import struct
import subprocess
import threading

import harness
from harness import eventually

import grpc
from details import Details
from okta.connector.v1 import connector_pb2 as pb
from okta.connector.v1 import connector_pb2_grpc

FRAME_DATA, FRAME_HEADERS, FRAME_SETTINGS, FRAME_GOAWAY = 0, 1, 4, 7
END_STREAM, END_HEADERS = 1, 4


class Reader:
    """A stream in a thread of its own: its messages, and how it ended."""

    def __init__(self, case, call):
        self.messages, self.details, self.failed = [], None, None
        self.call = call
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        case.addCleanup(self.end)

    def run(self):
        try:
            for message in self.call:
                self.messages.append(message)
        except grpc.RpcError as e:
            try:
                self.details = Details(e)
            except Exception as wrong:  # shown by the test's own thread
                self.failed = "%r of %r" % (wrong, e)

    def end(self):
        self.call.cancel()
        self.thread.join(harness.WAIT_S)

    def ended(self):
        """Its Details, when it has ended by itself."""
        self.thread.join(harness.WAIT_S)
        if self.thread.is_alive() or self.details is None:
            raise AssertionError("it did not end with an error that says all: %s" % self.failed)
        return self.details

    def events(self):
        return [login for m in self.messages for login in m.logins]


class Hanging:
    """Takes connections and says nothing: an org that answers nobody."""

    def __init__(self, case):
        self.case, self.socket = case, socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(harness.WAIT_S)
        case.addCleanup(self.socket.close)
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]


    def accept(self):
        self.case.addCleanup(self.socket.accept()[0].close)


class Raw:
    """StreamLogins on a connection of its own, frame by frame. Never opens the flow-control window of 64 KiB any further, so that
    it is a client that does not read."""

    def __init__(self, case, address, **request):
        is_unix = address.startswith("unix:")
        host, _, port = address.rpartition(":")
        self.socket = socket.socket(socket.AF_UNIX if is_unix else socket.AF_INET)
        case.addCleanup(self.socket.close)
        self.socket.settimeout(harness.WAIT_S)
        self.socket.connect(address[len("unix:"):] if is_unix else (host, int(port)))
        names = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/okta.connector.v1.Connector/StreamLogins"),
                 (b":authority", b"localhost"), (b"content-type", b"application/grpc"), (b"te", b"trailers")]
        block = b"".join(b"\x00" + bytes([len(n)]) + n + bytes([len(v)]) + v for n, v in names)
        message = pb.StreamLoginsRequest(follow=True, **request).SerializeToString()
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(FRAME_SETTINGS, 0, 0, b"") +
                            self.frame(FRAME_HEADERS, END_HEADERS, 1, block) +
                            self.frame(FRAME_DATA, END_STREAM, 1, b"\0" + struct.pack(">I", len(message)) + message))

    @staticmethod
    def frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    def frames(self):
        """All until the connection ends: (type, flags, stream, payload)."""
        rest = b""
        while True:
            while len(rest) >= 9 and len(rest) >= 9 + int.from_bytes(rest[:3], "big"):
                size = int.from_bytes(rest[:3], "big")
                yield rest[3], rest[4], int.from_bytes(rest[5:9], "big"), rest[9:9 + size]
                rest = rest[9 + size:]
            more = self.socket.recv(65536)
            if not more:
                return
            rest += more

    def fill(self):
        """Until the window is full."""
        left = 65535
        for kind, _, _, payload in self.frames():
            left -= len(payload) if kind == FRAME_DATA else 0
            if left == 0:
                return
        raise AssertionError("the connection ended")


class Case(harness.Case):
    def stub(self, address):
        channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        self.addCleanup(channel.close)
        return channel, connector_pb2_grpc.ConnectorStub(channel)

    def follower(self, address, **start):
        _, stub = self.stub(address)
        return Reader(self, stub.StreamLogins(pb.StreamLoginsRequest(follow=True, **start)))

    @staticmethod
    def gone(server):
        """Its exit status, without another signal."""
        return server.child.wait(harness.WAIT_S)

    def assert_going(self, details):
        self.assertEqual((details.code.name, details.reason), ("UNAVAILABLE", "SHUTTING_DOWN"), details.text)
        self.assertGreaterEqual(details.retry_s, 0.5)


class Drain(Case):
    def test_everybody_is_told_and_goes_on_where_they_were(self):
        org = self.emulator(login_every="30ms")
        server = self.server()
        self.configure(server, org)
        self.cli(server, "sync", "acme", "--history")
        readers = [(self.follower(a, **start), start) for a in (server.admin, server.reader, server.tcp)
                   for start in ({"from_beginning": True}, {"last": 100})]
        channel, stub = self.stub(server.admin)
        watch = Reader(self, channel.unary_stream("/grpc.health.v1.Health/Watch", request_serializer=None,
                                                  response_deserializer=None)(b""))
        # This one waits for Okta, and so for ever.
        hanging = Hanging(self)
        waiting = stub.Configure.future(pb.ConfigureRequest(name="other", org=hanging.url, api_token=harness.TOKEN))
        eventually("events for all", lambda: all(r.events() for r, _ in readers))
        eventually("health", lambda: watch.messages)
        hanging.accept()
        server.child.send_signal(signal.SIGTERM)
        for reader, _ in readers:
            details = reader.ended()
            self.assert_going(details)
            self.assertEqual(reader.messages[-1].notice.kind, pb.NOTICE_KIND_DRAINING)
            self.assertEqual(details.token, reader.messages[-1].resume_token)
        self.assert_going(watch.ended())
        self.assertEqual((watch.messages[0], watch.messages[-1]), (b"\x08\x01", b"\x08\x02"))
        with self.assertRaises(grpc.RpcError) as refused:
            waiting.result(harness.WAIT_S)
        self.assert_going(Details(refused.exception))
        self.assertEqual(self.gone(server), 0)
        self.go_on(org, readers)

    def go_on(self, org, readers):
        server = self.server()
        org.post("/__stop-logins")
        before = {t["uuid"] for t in org.truth()}
        self.cli(server, "sync", "acme", "--history", timeout=120)
        _, stub = self.stub(server.admin)
        after = {t["uuid"] for t in org.truth()}
        for reader, start in readers:
            rest = stub.StreamLogins(pb.StreamLoginsRequest(resume_token=reader.details.token), timeout=harness.WAIT_S)
            events = reader.events() + [login for m in rest for login in m.logins]
            sequences = [e.sequence for e in events]
            self.assertEqual(sequences, list(range(sequences[0], sequences[0] + len(sequences))), "no hole, nothing twice")
            self.assertLessEqual({e.uuid for e in events}, after)
            if "from_beginning" in start:
                self.assertLessEqual(before, {e.uuid for e in events})

    def test_a_client_that_never_reads_holds_it_no_longer_than_it_may(self):
        org = self.emulator(history_events=2000, history_days=3, login_every=0)
        server = self.server("--drain-ms", "3000")
        self.configure(server, org)
        self.cli(server, "sync", "acme", "--history", timeout=120)
        Raw(self, server.admin, from_beginning=True).fill()
        other = self.follower(server.reader, last=1)
        eventually("the other one is there", other.events)
        server.child.send_signal(signal.SIGTERM)
        self.assert_going(other.ended())
        self.assertIsNone(server.child.poll(), "the other one is waited for")
        self.assertEqual(self.gone(server), 0)

    def test_a_second_signal_leaves_now_but_the_same_wish_twice_does_not(self):
        org = self.emulator(history_events=2000, history_days=3, login_every=0)
        server = self.server("--drain-ms", "60000")
        self.configure(server, org)
        self.cli(server, "sync", "acme", "--history", timeout=120)
        Raw(self, server.admin, from_beginning=True).fill()
        server.child.send_signal(signal.SIGTERM)
        eventually("it stops", lambda: any(e["event"] == "stop.begin" for e in server.events()))
        signals = []

        def gone():
            if server.child.poll() is None:
                signals.append(server.child.send_signal(signal.SIGTERM))
            return server.child.poll() is not None

        eventually("it leaves", gone)
        # Those of the first second were a script's that passes on a terminal's Ctrl-C.
        self.assertGreater(len(signals), 2)
        self.assertEqual(self.gone(server), 1)
        self.assertEqual(server.events()[-1]["event"], "stop.abandoned")


class Frames(Case):
    """What goes over the wire."""

    def test_a_stream_is_ended_by_us_and_the_connection_says_goaway_besides(self):
        org = self.emulator(login_every=0)
        server = self.server()
        self.configure(server, org)
        for kind in ("reader", "tcp"):
            raw, seen = Raw(self, getattr(server, kind)), []
            for kind, flags, stream, payload in raw.frames():
                seen.append((kind, flags, stream))
                if kind == FRAME_DATA and len([s for s in seen if s[0] == FRAME_DATA]) == 1:
                    server.child.send_signal(signal.SIGTERM)
                if kind == FRAME_GOAWAY:
                    # A client without streams leaves now.
                    self.assertEqual(int.from_bytes(payload[4:8], "big"), 0, "NO_ERROR")
                    raw.socket.close()
                    break
            ends = [n for n, (kind, flags, stream) in enumerate(seen) if kind == FRAME_HEADERS and flags & END_STREAM and stream == 1]
            goaways = [n for n, (kind, _, _) in enumerate(seen) if kind == FRAME_GOAWAY]
            self.assertTrue(ends and goaways, seen)
            self.assertLess(ends[0], goaways[0], "its trailers come first")
            self.assertEqual(self.gone(server), 0)
            server = self.server()
            self.reached(server, "acme")


class DeadResolver(Case):
    """Name servers that do not answer, in a network of its own where packets to them are dropped."""

    NAMESPACE = """#!/bin/sh
exec unshare --user --map-root-user --net --mount sh -c '
    ip link set lo up && ip route add 192.0.2.1/32 dev lo && mount --bind "$0" /etc/resolv.conf && exec "$@"' %s %s "$@"
"""

    def wrapped(self):
        """A program that is the server, in such a network."""
        resolv, path = os.path.join(self.folder, "resolv.conf"), os.path.join(self.folder, "deaf")
        with open(resolv, "w") as f:
            f.write("nameserver 192.0.2.1\noptions timeout:30 attempts:5\n")
        with open(path, "w") as f:
            f.write(self.NAMESPACE % (resolv, harness.SERVER))
        os.chmod(path, 0o700)
        if subprocess.run([path, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("this machine does not let us make a network namespace")
        return path

    def asks(self, server):
        """Whether it waits for a name server: a UDP socket to port 53 of 192.0.2.1."""
        with open("/proc/%d/net/udp" % server.child.pid) as f:
            return " 010200C0:0035 " in f.read()

    def test_it_does_not_hold_up_the_end(self):
        normal, harness.SERVER = harness.SERVER, self.wrapped()
        self.addCleanup(setattr, harness, "SERVER", normal)
        server = self.server("--org", "acme.okta.com", "--token-file", self.token_file(), listen=("admin=unix:{f}/admin.sock",))
        eventually("the connector asks for the org's address", lambda: self.asks(server))
        _, stub = self.stub(server.admin)
        waiting = stub.Configure.future(pb.ConfigureRequest(name="other", org="other.okta.com", api_token=harness.TOKEN))
        health = grpc.insecure_channel(server.admin).unary_unary("/grpc.health.v1.Health/Check", request_serializer=None,
                                                                 response_deserializer=None)
        self.assertEqual(health(b"", timeout=harness.WAIT_S), b"\x08\x01")
        server.child.send_signal(signal.SIGTERM)
        with self.assertRaises(grpc.RpcError) as refused:
            waiting.result(harness.WAIT_S)
        self.assert_going(Details(refused.exception))
        # The resolver would give up after 150 seconds.
        self.assertEqual(self.gone(server), 0)


if __name__ == "__main__":
    harness.main()
