"""An org in, a login stream out, by the command line."""

import json
import signal

import harness
from harness import eventually


class Stream(harness.Case):
    def test_every_login_of_the_org_is_read_once(self):
        emulator = self.emulator(history_events=3000, late_percent=10)
        server = self.server()
        self.configure(server, emulator)
        self.cli(server, "sync", "acme", "--history")
        events = self.assert_store_is_the_org(server, emulator)
        for name in ("uuid", "sequence", "published", "event_type", "kind", "result", "actor"):
            self.assertTrue(all(name in e for e in events), name)
        self.assertTrue(any("client" in e for e in events) and any("app" in e for e in events))
        self.assertEqual(emulator.stats()["violations"], 0)

    def test_filters_leave_out_what_they_say_and_no_more(self):
        emulator = self.emulator(history_events=2000)
        server = self.server()
        self.configure(server, emulator)
        emulator.post("/__stop-logins")
        self.cli(server, "sync", "acme", "--history")

        def read(*args):
            return [json.loads(line) for line in self.cli(server, "logins", "acme", "-o", "jsonl", *args)[0].splitlines()]

        def uuids(events):
            return [e["uuid"] for e in events]

        everything = read("--from-beginning")
        failed = [e for e in everything if e["result"] in ("LOGIN_RESULT_FAILURE", "LOGIN_RESULT_DENIED")]
        self.assertTrue(0 < len(failed) < len(everything))
        self.assertEqual(uuids(read("--from-beginning", "--only", "result=failure,denied")), uuids(failed))
        self.assertEqual(uuids(read("--last", "3", "--only", "result=failure,denied")), uuids(failed[-3:]))
        self.assertEqual(uuids(read("--from-beginning", "--not", "result=failure,denied")),
                         uuids(e for e in everything if e not in failed))
        app = next(e["app"]["label"] for e in everything if "app" in e)
        at_app = [e for e in everything if any(t["type"] == "AppInstance" and t["alternate_id"] == app for t in e.get("targets", []))]
        self.assertEqual(uuids(read("--from-beginning", "--only", "app=" + app)), uuids(at_app))
        actor = everything[0]["actor"]
        self.assertEqual(uuids(read("--from-beginning", "--only", "user=" + actor["id"])),
                         uuids(e for e in everything if e["actor"]["id"] == actor["id"]))
        middle = everything[len(everything) // 2]["published"]
        self.assertEqual(uuids(read("--from-beginning", "--until", middle)), uuids(e for e in everything if e["published"] < middle))
        self.assertEqual(uuids(read("--since", middle, "--limit", "5")), uuids([e for e in everything if e["published"] >= middle][:5]))
        _, err = self.buf("okta.connector.v1.Connector/StreamLogins", '{"allow":[{"ip_addresses":["10.0.0.0/99"]}]}',
                          unix=server.reader, expect=None)
        self.assertIn("allow[0].ip_addresses[0]", err)

    def test_two_thousand_users_are_one_listing_of_ten_calls(self):
        emulator = self.emulator(users=2000, history_events=0, login_every=0)
        server = self.server()
        self.configure(server, emulator)
        self.cli(server, "sync", "acme")
        out, _ = self.cli(server, "users", "acme", "-o", "jsonl")
        users = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(len({u["id"] for u in users}), 2000)
        self.assertIn("DEPROVISIONED", {u["status"] for u in users})
        status = json.loads(self.cli(server, "status", "acme", "-o", "json")[0])["connectors"][0]
        listing = next(c for c in status["collections"] if c["collection"] == "COLLECTION_USERS")
        self.assertTrue(listing["complete"])
        self.assertEqual(int(listing["objects"]), 2000)
        self.assertEqual(int(listing["pages"]), 10)
        # Besides, Configure probes once, and sync polls for changes at most once.
        self.assertIn(emulator.stats()["requests"]["/api/v1/users"], (11, 12))

    def test_a_new_login_reaches_a_follower(self):
        emulator = self.emulator(login_every=0)
        server = self.server()
        self.configure(server, emulator)
        self.cli(server, "sync", "acme")
        self.background(server, "logins", "acme", "--follow", "--last", "0", "-o", "jsonl", out="live")
        eventually("the follower is connected", lambda: self.subscribers(server))
        for _ in range(3):
            emulator.post("/__add-event")
        eventually("three logins", lambda: len(self.lines_of("live")) == 3)
        self.assertTrue({e["uuid"] for e in self.lines_of("live")} <= {t["uuid"] for t in emulator.truth()})

    def subscribers(self, server):
        status = json.loads(self.cli(server, "status", "acme", "-o", "json")[0])
        return status["connectors"][0].get("subscribers")

    def test_followers_are_independent(self):
        emulator = self.emulator(login_every="50ms")
        server = self.server()
        self.configure(server, emulator)
        names = ["one", "two", "three"]
        for name in names:
            self.background(server, "logins", "acme", "--follow", "--from-beginning", "--require-complete-history", "-o",
                            "jsonl", out=name)
        eventually("all have much", lambda: all(len(self.lines_of(n)) > 450 for n in names))
        for name in names:
            self.assert_follower_has_the_org(server, emulator, name)

    def test_a_new_user_appears_by_a_delta_and_last_twenty_is_the_default(self):
        emulator = self.emulator()
        server = self.server()
        self.configure(server, emulator)
        self.cli(server, "sync", "acme", "--history")
        out, _ = self.cli(server, "logins", "acme", "-o", "jsonl")
        self.assertEqual(len(out.splitlines()), 20)
        emulator.post("/__add-user?login=new.person@acme.example")
        self.cli(server, "sync", "acme")

        def seen():
            return "new.person@acme.example" in self.cli(server, "users", "acme", "-o", "jsonl")[0]

        eventually("the new user", seen)


class Shutdown(harness.Case):
    def test_a_stream_ends_unavailable_with_its_last_token_and_resumes_without_a_hole(self):
        emulator = self.emulator(login_every="30ms")
        server = self.server()
        self.configure(server, emulator)
        self.cli(server, "sync", "acme", "--history")
        grpc, stub, pb = self.python(server)
        stream = stub.StreamLogins(pb.StreamLoginsRequest(name="acme", from_beginning=True, follow=True), timeout=60)
        seen, token = [], None
        for message in stream:
            seen += [e.uuid for e in message.logins]
            token = message.resume_token
            if len(seen) > 500:
                break
        server.child.send_signal(signal.SIGTERM)
        with self.assertRaises(grpc.RpcError) as caught:
            for message in stream:
                seen += [e.uuid for e in message.logins]
                token = message.resume_token
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
        trailers = dict(caught.exception.trailing_metadata())
        self.assertEqual(trailers["okta-resume-token"], token)
        self.assertEqual(server.child.wait(30), 0)

        emulator.post("/__stop-logins")
        before = {t["uuid"] for t in emulator.truth()}
        server = self.server()
        self.cli(server, "sync", "acme")
        _, stub, pb = self.python(server)
        for message in stub.StreamLogins(pb.StreamLoginsRequest(name="acme", resume_token=token), timeout=60):
            seen += [e.uuid for e in message.logins]
        self.assertEqual(len(seen), len(set(seen)))
        self.assertFalse(before - set(seen), "nothing is lost")

    def python(self, server):
        import grpc
        from okta.connector.v1 import connector_pb2, connector_pb2_grpc
        # A connection of its own: grpcio would share the one to the server that was there before.
        channel = grpc.insecure_channel(server.admin, options=[("grpc.use_local_subchannel_pool", 1)])
        self.addCleanup(channel.close)
        return grpc, connector_pb2_grpc.ConnectorStub(channel), connector_pb2


if __name__ == "__main__":
    harness.main()
