"""logins: each event once, whatever happens to the connection."""

import fcntl
import json
import os
import signal
import struct
import sys
import termios
import threading
import unittest

# Python looks beside the script's real place first, which is not where its stubs are.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from fake import Case, Cutter, event, eventually, grpc, pb, retry_info


class FollowTest(Case):
    def follow(self, *args, **more):
        return self.begin("logins", "acme", "--follow", "-o", "jsonl", *args, **more)

    def uuids(self):
        text = self.read(self.out)
        return [json.loads(line)["uuid"] for line in text[:text.rfind("\n") + 1].splitlines()]

    def expect(self, count):
        eventually("%d events" % count, lambda: len(self.uuids()) >= count)
        self.assertEqual(self.uuids(), ["uuid-%d" % n for n in range(count)])

    def streams(self):
        return self.fake.asked(pb.StreamLoginsRequest)

    def starts(self):
        return [(r.WhichOneof("start"), getattr(r, r.WhichOneof("start"))) for r in self.streams()]

    def test_without_a_start_it_is_the_last_20_and_ends(self):
        self.fake.add(*[event(n) for n in range(30)])
        out, _ = self.cli("logins", "-o", "jsonl")
        self.assertEqual([json.loads(line)["uuid"] for line in out.splitlines()], ["uuid-%d" % n for n in range(10, 30)])
        self.assertEqual(self.starts(), [("last", 20)])
        self.assertFalse(self.streams()[0].follow)

    def test_what_comes_later_is_shown_at_once(self):
        self.fake.add(event(0))
        child = self.follow()
        self.expect(1)
        self.fake.add(event(1), event(2))
        self.expect(3)
        self.assertEqual(self.end(child), 130)

    def test_a_stream_that_breaks_goes_on_at_its_token(self):
        self.fake.add(*[event(n) for n in range(10)])
        self.fake.plans = [("events", 4), ("events", 3)]
        child = self.follow("--from-beginning")
        self.expect(10)
        self.fake.add(event(10))
        self.expect(11)
        self.assertEqual(self.starts(), [("from_beginning", True), ("resume_token", "T4"), ("resume_token", "T7")])
        self.assertEqual(self.end(child), 130)
        self.assertIn("connection lost (planned)", self.read(self.err))
        self.assertIn("connected again", self.read(self.err))

    def test_a_limit_counts_over_connections(self):
        self.fake.add(*[event(n) for n in range(10)])
        self.fake.plans = [("events", 4)]
        child = self.follow("--from-beginning", "--limit", "6", "--only", "result=success", "--not", "user=a;country=SE")
        self.assertEqual(child.wait(30), 0)
        self.assertEqual(len(self.uuids()), 6)
        self.assertEqual([r.limit for r in self.streams()], [6, 2])
        for r in self.streams():
            self.assertEqual([list(f.results) for f in r.allow], [[1]])
            self.assertEqual([(list(f.users), list(f.countries)) for f in r.deny], [(["a"], []), ([], ["SE"])])

    def test_before_the_hello_it_starts_the_same_way_again(self):
        self.fake.add(*[event(n) for n in range(3)])
        self.fake.plans = [("hello",), ("hello",)]
        child = self.follow("--last", "3")
        self.expect(3)
        self.assertEqual(self.starts(), [("last", 3)] * 3)
        self.end(child)

    def test_after_the_hello_nothing_that_came_meanwhile_is_left_out(self):
        self.fake.plans = [("events", 0)]
        child = self.follow("--last", "0")
        eventually("a second stream", lambda: len(self.streams()) == 2)
        self.fake.add(event(0))
        self.expect(1)
        self.assertEqual(self.starts(), [("last", 0), ("resume_token", "T0")])
        self.end(child)

    def test_waiting_for_the_whole_history_is_asked_for_again_until_it_has_begun(self):
        self.fake.add(*[event(n) for n in range(5)])
        self.fake.history_complete = False
        self.fake.plans = [("events", 0), (), ("events", 2)]
        child = self.follow("--from-beginning", "--require-complete-history")
        eventually("a second stream", lambda: len(self.streams()) == 2)
        self.fake.history_complete = True
        self.expect(5)
        self.assertTrue(all(r.require_complete_history and r.from_beginning for r in self.streams()))
        self.end(child)

    def test_once_it_has_begun_a_complete_history_goes_on_at_the_token(self):
        self.fake.add(*[event(n) for n in range(5)])
        self.fake.plans = [("events", 2)]
        child = self.follow("--from-beginning", "--require-complete-history")
        self.expect(5)
        self.assertEqual(self.starts()[1], ("resume_token", "T2"))
        self.assertFalse(self.streams()[1].require_complete_history)
        self.end(child)

    def test_since_names_the_same_moment_again(self):
        self.fake.plans = [("hello",)]
        child = self.follow("--since", "15m")
        eventually("a second stream", lambda: len(self.streams()) == 2)
        self.assertEqual(self.streams()[0].since, self.streams()[1].since)
        self.end(child)

    def test_a_server_that_restarts_is_found_again(self):
        self.fake.add(event(0))
        child = self.follow("--from-beginning")
        self.expect(1)
        self.stop()
        eventually("it was noticed", lambda: "connection lost" in self.read(self.err))
        self.fake.events.append(event(1))
        self.start()
        self.expect(2)
        self.assertEqual(self.read(self.err).count("connection lost"), 1)
        self.assertEqual(self.end(child), 130)

    def test_connections_cut_anywhere_lose_and_double_nothing(self):
        front = os.path.join(self.folder, "front")
        cutter = Cutter(front, self.path)
        self.fake.add(*[event(n, display_message="x" * 500) for n in range(200)])
        # Each connection carries less than the whole, and ends in the middle of some message.
        cutter.cut_after = 30000
        child = self.follow("--from-beginning", address="unix:" + front)
        self.expect(200)
        self.assertGreater(cutter.cuts, 2)
        self.end(child)

    def test_a_silent_server_is_given_up(self):
        self.fake.add(event(0))
        self.fake.plans = [("silent",)]
        child = self.follow("--from-beginning", "--timeout", "2s")
        self.expect(1)
        self.assertIn("nothing heard", self.read(self.err))
        self.assertEqual(self.streams()[0].progress_interval.seconds, 1)
        self.end(child)

    def test_history_that_is_gone_ends_it(self):
        self.fake.add(*[event(n) for n in range(4)])
        self.fake.plans = [("events", 2, grpc.StatusCode.OUT_OF_RANGE, "the oldest is 7", "HISTORY_GONE")]
        child = self.follow("--from-beginning")
        self.assertEqual(child.wait(30), 5)
        self.assertEqual(self.uuids(), ["uuid-0", "uuid-1"])
        self.assertIn("the oldest is 7", self.read(self.err))
        self.assertIn("resume token: T2", self.read(self.err))

    def test_a_connector_that_is_deleted_ends_it(self):
        self.fake.plans = [("events", 0, grpc.StatusCode.UNAVAILABLE, "it was deleted", "CONNECTOR_DELETED")]
        self.assertEqual(self.follow().wait(30), 3)

    def test_a_connector_that_is_not_ready_is_waited_for(self):
        self.fake.add(event(0))
        self.fake.plans = [("events", 0, grpc.StatusCode.UNAVAILABLE, "no data yet", "NOT_READY")]
        child = self.follow()
        self.expect(1)
        self.end(child)

    def test_it_does_not_come_back_before_the_server_asked_it_to(self):
        self.fake.add(*[event(n) for n in range(4)])
        self.fake.plans = [("events", 2, grpc.StatusCode.UNAVAILABLE, "going", "SHUTTING_DOWN")]
        # RetryInfo: after 1.2 s, where the back-off alone would take a tenth of a second at most.
        self.fake.break_details = {"RetryInfo": retry_info(1.2)}
        child = self.follow("--from-beginning")
        self.expect(4)
        self.assertGreaterEqual(self.fake.asked_at[-1] - self.fake.broke, 1.2)
        self.assertEqual(self.starts(), [("from_beginning", True), ("resume_token", "T2")])
        self.end(child)

    def test_signals_end_it_at_once_with_all_written(self):
        for how, status in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            with self.subTest(how):
                self.fake.events = [event(0)]
                child = self.follow("--show-token")
                self.expect(1)
                self.assertEqual(self.end(child, how), status)
                self.assertEqual(self.read(self.err), "resume token: T1\n")

    @staticmethod
    def held_in(pipe):
        return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]

    def test_a_signal_ends_it_while_nobody_reads(self):
        self.fake.add(*[event(n, display_message="x" * 1000) for n in range(500)])
        self.fake.batch = 100
        read_end, write_end = os.pipe()
        child = self.follow("--from-beginning", stdout=write_end)
        os.close(write_end)
        eventually("the pipe is full", lambda: self.held_in(read_end) >= 60000)
        self.assertEqual(self.end(child), 130)
        os.close(read_end)

    def test_a_reader_that_leaves_ends_it_quietly(self):
        self.fake.add(event(0))
        read_end, write_end = os.pipe()
        child = self.follow("--from-beginning", stdout=write_end)
        os.close(write_end)
        os.read(read_end, 10)
        os.close(read_end)
        self.fake.add(event(1))
        self.assertEqual(child.wait(30), 0)
        self.assertEqual(self.read(self.err), "")

    def test_a_full_disk_is_told(self):
        self.fake.add(event(0))
        with open("/dev/full", "wb") as full:
            child = self.begin("logins", "--from-beginning", stdout=full)
        self.assertEqual(child.wait(30), 1)
        self.assertIn("No space left", self.read(self.err))

    def test_it_ends_by_itself(self):
        self.fake.add(event(0))
        out, err = self.cli("logins", "--follow", "--for", "300ms", "-o", "jsonl")
        self.assertEqual(json.loads(out)["uuid"], "uuid-0")
        self.assertEqual(err, "")

    def test_progress_off_a_terminal_is_plain_lines(self):
        self.fake.status = pb.StatusResponse(connectors=[pb.ConnectorStatus(
            name="acme", tail=pb.TailStatus(at_head=True), collections=[pb.CollectionStatus(collection=pb.COLLECTION_USERS, listed=1400)])])
        child = self.follow("--progress")
        eventually("a line", lambda: "first sync 50 %  users 1,400… · tail at the head" in self.read(self.err))
        self.end(child)
        self.assertNotIn("\033", self.read(self.err))

    def test_progress_on_a_terminal_makes_way_for_logins(self):
        self.fake.add(event(0))
        self.fake.status = pb.StatusResponse(connectors=[pb.ConnectorStatus(name="acme", tail=pb.TailStatus(at_head=True))])
        threading.Timer(0.7, lambda: self.fake.add(event(1))).start()
        seen = self.on_terminal(["logins", "acme", "--follow", "--progress", "--for", "1500ms"])
        self.assertIn("all there", seen)
        self.assertIn("person0@acme.example", seen)
        self.assertLess(seen.index("\r\033[K"), seen.index("person1@acme.example"))
        self.assertTrue(seen.endswith("\r\033[K"))

    def test_a_stream_without_follow_does_not_try_again(self):
        self.fake.add(*[event(n) for n in range(4)])
        self.fake.plans = [("events", 2)]
        _, err = self.cli("logins", "--from-beginning", status=4)
        self.assertIn("resume token: T2", err)

    def test_starts_that_do_not_go_together_are_refused(self):
        for args in [("--last", "1", "--since", "1h"), ("--resume", "T1", "--from-beginning"), ("--resume", ""),
                     ("--resume", "T1", "--require-complete-history"), ("--since", "yesterday"), ("--last", "1000001"),
                     ("--follow", "-o", "json"), ("--for", "0s")]:
            with self.subTest(args):
                self.cli("logins", *args, status=2)
        self.assertEqual(self.fake.requests, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
