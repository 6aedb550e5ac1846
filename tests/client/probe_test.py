"""probe against a stand-in for the server, and against sockets that nobody serves: one line, and an exit code for each."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

# Python looks beside the script's real place first, which is not where its stubs are.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from fake import CLIENT, NOT_SERVING, SERVING, Case, eventually

SERVES, USAGE, NO_SUCH, UNREACHABLE, DENIED, NOT, LATE = 0, 2, 3, 4, 7, 8, 9


class ProbeTest(Case):
    def probe(self, *args, status=0, **more):
        """The one line that it says, wherever it says it."""
        out, err = self.cli("probe", *args, status=status, **more)
        said = out + err
        self.assertEqual(said.count("\n"), 1, said)
        self.assertEqual(bool(out), status == 0, "what went well is on stdout, the rest on stderr")
        return said

    def other(self, name="other"):
        return os.path.join(self.folder, name)

    def test_the_server_itself(self):
        self.assertIn("serving", self.probe())
        self.health.states[""] = NOT_SERVING
        self.assertIn("the server is not serving", self.probe(status=NOT))
        self.assertEqual(self.health.asked, ["", ""])

    def test_a_service(self):
        self.health.states.update({"upstream": SERVING, "upstream/acme": NOT_SERVING})
        self.probe("--service", "upstream")
        self.assertIn("upstream/acme is not serving", self.probe("--service", "upstream/acme", status=NOT))
        self.assertIn("upstream/other", self.probe("--service=upstream/other", status=NO_SUCH))

    def test_what_is_neither_up_nor_down_is_not_serving(self):
        for state in (0, 3, 77):
            self.health.states[""] = state
            self.probe(status=NOT)

    def test_json(self):
        self.assertEqual(json.loads(self.cli("probe", "-o", "json")[0]), {"status": "SERVING"})
        self.health.states[""] = NOT_SERVING
        self.assertEqual(json.loads(self.cli("probe", "-o", "jsonl", status=NOT)[0]), {"status": "NOT_SERVING"})

    def test_nobody_there(self):
        self.assertIn("No such file", self.probe(address=self.other(), status=UNREACHABLE))
        self.assertIn("Not a directory", self.probe(address=self.path + "/x", status=UNREACHABLE))

    def test_a_stale_socket(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.other())
        self.assertIn("has ended", self.probe(address=self.other(), status=UNREACHABLE))

    def test_what_is_no_socket(self):
        with open(self.other(), "w"):
            pass
        self.assertIn("a file, not a socket", self.probe(address=self.other(), status=USAGE))
        self.assertIn("a folder, not a socket", self.probe(address=self.folder, status=USAGE))
        self.assertIn("longer than 107", self.probe(address="/" + "x" * 150, status=USAGE))

    def test_a_socket_that_accepts_and_says_nothing(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.other())
            s.listen()
            self.assertIn("no answer within 200 ms", self.probe("--timeout", "200ms", address=self.other(), status=LATE))

    def test_a_socket_that_does_not_even_accept(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.other())
            s.listen(0)
            with socket.socket(socket.AF_UNIX) as first:
                first.connect(self.other())
                self.assertIn("takes no connection", self.probe("--timeout", "100ms", address=self.other(), status=LATE))

    def test_a_socket_that_hangs_up(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.other())
            s.listen()

            def hang_up():
                while True:
                    try:
                        s.accept()[0].close()
                    except OSError:
                        return

            threading.Thread(target=hang_up, daemon=True).start()
            self.probe(address=self.other(), status=UNREACHABLE)
            s.shutdown(socket.SHUT_RDWR)

    def test_an_answer_that_comes_too_late(self):
        self.health.delays = [2]
        self.assertIn("Deadline", self.probe("--timeout", "200ms", status=LATE))

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_a_socket_for_others(self):
        holder = tempfile.TemporaryDirectory(prefix="oc", dir="/tmp")
        self.addCleanup(holder.cleanup)
        os.chmod(holder.name, 0o755)
        program = shutil.copy(CLIENT, holder.name)

        def as_nobody():
            argv = ["setpriv", "--reuid", "65534", "--clear-groups", program, "--server", self.address, "probe"]
            return self.probe(status=DENIED, argv=argv)

        os.chmod(self.folder, 0o755)
        os.chmod(self.path, 0o600)
        self.assertIn("uid 65534 may not open it: it belongs to uid 0, gid 0, mode 0600", as_nobody())
        os.chmod(self.folder, 0o700)
        self.assertIn("uid 65534 may not look into its folder", as_nobody())

    def test_without_being_told_where(self):
        os.mkdir(self.other("okta-connector"))
        os.symlink(self.path, self.other("okta-connector/reader.sock"))
        self.probe(argv=[CLIENT, "probe"], env=self.env(XDG_RUNTIME_DIR=self.folder))

    def test_wait_until_it_serves(self):
        self.health.states[""] = NOT_SERVING
        child = self.begin("probe", "--wait", "30s")
        eventually("it asked twice", lambda: len(self.health.asked) > 1)
        self.health.states[""] = SERVING
        self.assertEqual(child.wait(30), SERVES)
        self.assertEqual(self.read(self.out).count("\n"), 1)

    def test_wait_for_a_server_that_is_not_there_yet(self):
        os.rename(self.path, self.other())
        child = self.begin("probe", "--wait", "30s")
        os.rename(self.other(), self.path)
        self.assertEqual(child.wait(30), SERVES, self.read(self.err))

    def test_wait_ends(self):
        self.health.states[""] = NOT_SERVING
        self.probe("--wait", "2s", status=NOT)
        self.probe("--wait", "100ms", address=self.other(), status=UNREACHABLE)
        self.probe("--wait", "30s", address="/" + "x" * 150, status=USAGE)
        self.health.states[""] = SERVING
        self.health.delays = [1] * 100
        self.probe("--timeout", "50ms", "--wait", "200ms", status=LATE)

    def test_a_last_try_that_is_cut_short_does_not_hide_an_answer(self):
        self.health.states[""] = NOT_SERVING
        self.health.delays = [0] + [5] * 100
        self.probe("--timeout", "30s", "--wait", "3s", status=NOT)

    def test_wait_ends_by_a_signal(self):
        self.health.states[""] = NOT_SERVING
        child = self.begin("probe", "--wait", "30s")
        eventually("it asks", lambda: self.health.asked)
        self.assertEqual(self.end(child, signal.SIGTERM), 143)

    def test_words_that_are_wrong(self):
        for args in [("--wait", "soon"), ("--timeout", "0"), ("acme",)]:
            self.cli("probe", *args, status=USAGE)
        self.assertEqual(self.health.asked, [])

    def test_an_alarm_ends_what_hangs(self):
        """Here its line goes into a pipe that is full."""
        read, write = os.pipe()
        os.set_blocking(write, False)
        try:
            while True:
                os.write(write, b"x" * 65536)
        except BlockingIOError:
            os.set_blocking(write, True)
        done = subprocess.run(self.argv(["probe", "--timeout", "2s"]), stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.PIPE,
                              text=True, timeout=30, env=self.env())
        os.close(write)
        os.close(read)
        self.assertEqual((done.returncode, done.stderr), (LATE, "okta-connector: probe: nothing within 2250 ms\n"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
