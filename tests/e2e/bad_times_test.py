"""Bad times: disks that fill, fail, stall and vanish, clocks that jump, an Okta that does not answer, two servers where
one may be, descriptors that run out. What is told, what goes on, and that it ends by itself."""

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import unittest

import grpc

import harness
from harness import ROOT, SERVER, WAIT_S, Server, eventually

BAD_DISK = os.path.join(ROOT, "tests", "e2e", "libbad_disk.so")
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
IS_ROOT = os.geteuid() == 0
NOBODY = 65534
RECOVERED_S = 90  # a store is tried again after 30 s at the latest


def preloaded(library, **more):
    """The environment of a server with a library before the C library's."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return dict(os.environ, LD_PRELOAD=library, ASAN_OPTIONS=(options + ":" if options else "") + "verify_asan_link_order=0",
                **more)


class Probe:
    """A connection that asks for health, as a kubelet does, but on and on."""

    def __init__(self, server):
        self.channel = grpc.insecure_channel(server.reader, options=[("grpc.use_local_subchannel_pool", 1)])
        self.check = self.channel.unary_unary("/grpc.health.v1.Health/Check")

    def serves(self, service=""):
        name = service.encode()
        answer = self.check(b"\x0a" + bytes([len(name)]) + name if name else b"", timeout=WAIT_S)
        return answer == b"\x08\x01"


class BadTimes(harness.Case):
    def path(self, *names):
        return os.path.join(self.folder, *names)

    def server_in(self, name, *args, **more):
        """A server with a folder of its own."""
        os.makedirs(self.path(name), exist_ok=True)
        one = Server(self.path(name), *args, listen=("admin=unix:{f}/admin.sock", "reader=unix:{f}/reader.sock"), **more)
        self.servers.append(one)
        self.addCleanup(self.end_quietly, one)
        return one

    def probe(self, server):
        one = Probe(server)
        self.addCleanup(one.channel.close)
        return one

    def status_of(self, server):
        out, _ = self.cli(server, "status", "acme", "-o", "json")
        return json.loads(out)["connectors"][0]

    def eventually_in(self, server, state, seconds=RECOVERED_S):
        def row():
            found = self.status_of(server)
            return found if found["state"] == "CONNECTOR_STATE_" + state else None
        return eventually("it is " + state, row, seconds)

    def synced(self, server, emulator):
        self.configure(server, emulator)
        self.cli(server, "sync", "acme", "--history")

    def held(self, server):
        out, _ = self.cli(server, "logins", "acme", "--from-beginning", "-o", "jsonl")
        return len(out.splitlines())

    def start_fails(self, *args, path=None, **more):
        """A server that must not start; returns what it says."""
        argv = [path or SERVER, "--allow-http-loopback-org"] + list(args)
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=WAIT_S, **more)
        self.outputs += [done.stdout, done.stderr]
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr

    def mount_tmpfs(self, path, options):
        os.makedirs(path)
        if not IS_ROOT or subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("a file system of one's own needs root, outside a sandbox")
        self.addCleanup(subprocess.run, ["umount", "-l", path], stderr=subprocess.DEVNULL)

    def order(self, server, what):
        """The disk of a server that was started with bad_disk does so from now on."""
        path = os.path.join(server.folder, "data", "bad_disk")
        if what is None:
            os.unlink(path)
            return
        with open(path + ".new", "w") as f:
            f.write(what)
        os.rename(path + ".new", path)

    def bad_disk_server(self, name):
        data = self.path(name, "data")
        os.makedirs(data, mode=0o700, exist_ok=True)
        return self.server_in(name, env=preloaded(BAD_DISK, BAD_DISK=os.path.join(data, "bad_disk")))

    # ---- disks ----

    def test_a_disk_that_fails_is_told_and_recovered_from_without_a_restart(self):
        """Three at once, since each is tried again after some seconds: full, read-only, removed."""
        emulator = self.emulator(login_every=0, history_events=200, users=20)
        self.mount_tmpfs(self.path("full", "data"), "size=6m,mode=700")
        full, read_only, gone = self.server_in("full"), self.bad_disk_server("ro"), self.server_in("gone")
        servers = (full, read_only, gone)
        for one in servers:
            self.synced(one, emulator)
        held = [self.held(one) for one in servers]
        self.background(full, "logins", "acme", "--follow", "--from-beginning", "-o", "jsonl", out="streamed")
        with open(self.path("full", "data", "ballast"), "wb", buffering=0) as f:
            self.fill(f)
        self.order(read_only, "fail %d" % errno.EROFS)
        os.rename(self.path("gone", "data", "orgs"), self.path("gone", "data", "elsewhere"))
        for _ in range(30):
            emulator.post("/__add-event")
        wants = (("STORE_FULL", "no space left|the disk is full", "Make room"), ("STORE_FAILED", "the disk is read-only", "disk"),
                 ("STORE_FAILED", "was removed or replaced", "disk"))
        for one, count, (code, text, remedy) in zip(servers, held, wants):
            self.cli(one, "sync", "acme", "--timeout", "1s", status=None)
            row = self.eventually_in(one, "DEGRADED")
            self.assertEqual(row["state_reason_code"].replace("REASON_", ""), code)
            self.assertRegex(row["state_reason"], text)
            self.assertIn(remedy, row["remedy"])
            self.assertEqual(self.held(one), count, "what is stored is streamed")
            probe = self.probe(one)
            self.assertTrue(probe.serves(""))
            self.assertFalse(probe.serves("upstream") or probe.serves("upstream/acme"))
            self.assertTrue(any(e["event"] == "connector.state" and e["state"] == "DEGRADED" and e["code"] == code
                                for e in one.events()))
        os.unlink(self.path("full", "data", "ballast"))
        self.order(read_only, None)
        os.rename(self.path("gone", "data", "elsewhere"), self.path("gone", "data", "orgs"))
        for one in servers:
            self.eventually_in(one, "LIVE")
            self.assertTrue(self.probe(one).serves("upstream/acme"))
            self.assert_store_is_the_org(one, emulator)
        self.assert_follower_has_the_org(full, emulator, "streamed")

    @staticmethod
    def fill(f):
        for size in (1 << 20, 4096):
            try:
                while True:
                    f.write(b"\0" * size)
            except OSError:
                pass

    def test_a_removed_store_goes_on_when_an_idle_log_has_nothing_to_write(self):
        emulator = self.emulator(login_every=0, history_events=20, users=5)
        server = self.server_in("idle")
        self.synced(server, emulator)
        os.rename(self.path("idle", "data", "orgs"), self.path("idle", "data", "elsewhere"))
        self.eventually_in(server, "DEGRADED")
        os.rename(self.path("idle", "data", "elsewhere"), self.path("idle", "data", "orgs"))
        self.eventually_in(server, "LIVE")

    def test_a_read_only_folder_is_refused_at_the_start(self):
        self.mount_tmpfs(self.path("data"), "size=1m")
        subprocess.run(["mount", "-o", "remount,ro", self.path("data")], check=True)
        said = self.start_fails("--data-dir", self.path("data"), "--listen", "unix:" + self.path("s"))
        self.assertIn("Read-only file system", said)
        self.assertIn(self.path("data"), said)

    @unittest.skipUnless(IS_ROOT, "being another user needs root")
    def test_a_folder_without_permission_is_named(self):
        os.chmod(self.folder, 0o755)
        os.makedirs(self.path("data"), mode=0o700)
        os.makedirs(self.path("run"), mode=0o777)
        os.chmod(self.path("run"), 0o777)
        program = self.path("okta-connectord")
        shutil.copy(SERVER, program)
        os.chmod(program, 0o755)

        def nobody():
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

        said = self.start_fails("--data-dir", self.path("data"), "--listen", "unix:" + self.path("run", "s"), path=program,
                                preexec_fn=nobody)
        self.assertIn("Permission denied", said)
        self.assertIn(self.path("data"), said)

    # ---- one where one may be ----

    def test_a_second_server_is_refused_and_a_killed_one_is_no_first(self):
        first = self.server_in("a")
        data, admin = self.path("a", "data"), self.path("a", "admin.sock")
        said = self.start_fails("--data-dir", data, "--listen", "unix:" + self.path("other.sock"))
        self.assertIn("process %d has it open" % first.child.pid, said)
        self.assertIn(data, said)
        said = self.start_fails("--data-dir", self.path("b"), "--listen", "unix:" + admin)
        self.assertIn(admin, said)
        self.assertTrue(self.probe(first).serves(), "the first one is not disturbed")
        first.end(signal.SIGKILL)
        self.assertTrue(os.path.exists(admin), "its socket is left behind")
        self.assertTrue(self.probe(self.server_in("a")).serves())

    def test_what_is_no_socket_is_not_removed(self):
        with open(self.path("precious"), "w") as f:
            f.write("mine")
        said = self.start_fails("--data-dir", self.path("data"), "--listen", "unix:" + self.path("precious"))
        self.assertIn(self.path("precious"), said)
        with open(self.path("precious")) as f:
            self.assertEqual(f.read(), "mine")

    # ---- health ----

    def test_health_answers_while_a_first_sync_is_stuck_in_its_commit(self):
        emulator = self.emulator(users=2000, history_events=2000)
        server = self.bad_disk_server("stuck")
        probe = self.probe(server)
        self.order(server, "stuck")
        self.background(server, "configure", "acme", "--org", emulator.url, "--token-file", self.token_file(), out="configured")
        eventually("a commit is stuck", lambda: os.path.exists(self.path("stuck", "data", "bad_disk.stuck")))
        for _ in range(200):
            self.assertTrue(probe.serves())
        self.assertTrue(self.probe(server).serves(), "on a connection that is new")
        self.order(server, None)
        eventually("it is configured", lambda: "acme" in self.cli(server, "status", status=None)[0])
        self.assert_store_is_the_org(server, emulator)

    def test_health_answers_while_every_read_is_stuck(self):
        emulator = self.emulator()
        server = self.bad_disk_server("stuck")
        self.synced(server, emulator)
        emulator.post("/__stop-logins")
        self.cli(server, "sync", "acme")
        held = self.held(server)
        probe = self.probe(server)
        self.order(server, "reads")
        for n in range(16):  # more than there are threads for calls
            self.background(server, "logins", "acme", "--from-beginning", "-o", "jsonl", out="stuck%d" % n)
        eventually("a read is stuck", lambda: os.path.exists(self.path("stuck", "data", "bad_disk.stuck")))
        for _ in range(200):
            self.assertTrue(probe.serves())
        self.order(server, None)
        for n in range(16):
            eventually("each reader gets its events", lambda: len(self.lines_of("stuck%d" % n)) == held)

    def test_an_okta_that_never_answers_fails_no_probe_but_upstream(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(16)
            url = "http://127.0.0.1:%d" % silent.getsockname()[1]
            server = self.server_in("mute", "--org", url, "--token-file", self.token_file(), "--name", "acme")
            probe = self.probe(server)
            self.assertTrue(probe.serves(""), "the socket answers and the store is open: it has started")
            self.assertTrue(probe.serves("okta.connector.v1.Connector"))
            self.assertFalse(probe.serves("upstream"))
            self.cli(server, "probe")
            self.assertEqual(self.status_of(server)["state"], "CONNECTOR_STATE_STARTING")
            self.assertEqual(server.end(), 0)

    def test_an_outage_of_okta_fails_upstream_and_never_liveness(self):
        emulator = self.emulator(login_every=0)
        server = self.server_in("outage")
        self.synced(server, emulator)
        probe = self.probe(server)
        self.assertTrue(probe.serves("upstream/acme"))
        emulator.post("/__stop-logins")
        emulator.child.kill()
        row = self.eventually_in(server, "DEGRADED")
        self.assertEqual(row["state_reason_code"].replace("REASON_", ""), "OKTA_UNREACHABLE")
        self.assertTrue(row["remedy"])
        self.assertTrue(probe.serves(""))
        self.assertTrue(probe.serves("okta.connector.v1.Connector"))
        self.assertFalse(probe.serves("upstream") or probe.serves("upstream/acme"))

    # ---- clocks, descriptors ----

    @unittest.skipUnless(os.path.exists(FAKETIME), "libfaketime is not there")
    def test_a_clock_that_jumps_a_day_forth_and_two_back_changes_nothing(self):
        emulator = self.emulator(login_every=0, history_events=300)
        data = self.path("clock", "data")
        os.makedirs(data, mode=0o700)
        clock = os.path.join(data, "clock")

        def jump(to):
            with open(clock + ".new", "w") as f:
                f.write(to + "\n")
            os.rename(clock + ".new", clock)

        jump("+0d")
        server = self.server_in("clock", "--retention-days", "30", env=preloaded(
            FAKETIME, FAKETIME_TIMESTAMP_FILE=clock, FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1"))
        self.synced(server, emulator)
        self.background(server, "logins", "acme", "--follow", "--from-beginning", "-o", "jsonl", out="streamed")
        for to in ("+1d", "-1d", "+60d", "+0d"):
            jump(to)
            for _ in range(5):
                emulator.post("/__add-event")
            truth = {t["uuid"] for t in emulator.truth()}
            eventually("the logins after a jump to " + to,
                       lambda: truth <= {e["uuid"] for e in self.lines_of("streamed")})
            self.assertEqual(self.status_of(server)["state"], "CONNECTOR_STATE_LIVE")
        self.assert_store_is_the_org(server, emulator)

    def test_descriptors_that_run_out_come_back(self):
        emulator = self.emulator(login_every="100ms")
        server = self.server_in("few", wrap=("prlimit", "--nofile=72:72"))
        self.synced(server, emulator)
        probe = self.probe(server)
        self.assertTrue(probe.serves())
        many = []
        try:
            for _ in range(120):
                one = socket.socket(socket.AF_UNIX)
                one.settimeout(WAIT_S)
                many.append(one)
                one.connect(self.path("few", "reader.sock"))
                self.assertTrue(probe.serves(), "those who are in are served")
        finally:
            for one in many:
                one.close()
        eventually("newcomers are let in again", lambda: self.cli(server, "status", "acme", status=None)[0])
        self.eventually_in(server, "LIVE")
        self.assert_store_is_the_org(server, emulator)


if __name__ == "__main__":
    harness.main()
