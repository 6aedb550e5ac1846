"""Clients that nobody here wrote: buf curl through reflection, and Python's grpcio."""

import json
import os
import subprocess
import threading

import harness
from harness import BUF, SOURCES, WAIT_S, eventually


class Protos(harness.Case):
    def test_are_written_as_bufs_standard_rules_want_them(self):
        done = subprocess.run([BUF, "lint"], cwd=os.path.join(os.path.dirname(SOURCES), "proto"), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=WAIT_S,
                              env=dict(os.environ, HOME=self.folder, BUF_CACHE_DIR=os.path.join(self.folder, "buf")))
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)


class Buf(harness.Case):
    def setUp(self):
        super().setUp()
        self.org = self.emulator(users=20, history_events=100)
        self.one = self.server()

    def test_lists_what_is_served_over_unix_and_tcp(self):
        wanted = ["grpc.health.v1.Health/Check", "grpc.health.v1.Health/Watch", "okta.connector.v1.Connector/Configure",
                  "okta.connector.v1.Connector/Delete", "okta.connector.v1.Connector/Diagnose", "okta.connector.v1.Connector/Status",
                  "okta.connector.v1.Connector/StreamLogins", "okta.connector.v1.Connector/Sync",
                  "okta.connector.v1.Directory/GetUser", "okta.connector.v1.Directory/ListUsers"]
        for where in ({"unix": self.one.admin}, {"unix": self.one.reader}, {"server": self.one.tcp}):
            out, _ = self.buf(None, **where)
            for method in wanted:
                self.assertIn(method, out, str(where))

    def test_configures_syncs_reads_and_deletes_alone(self):
        request = {"name": "acme", "org": self.org.url, "api_token": harness.TOKEN}
        out, _ = self.buf("okta.connector.v1.Connector/Configure", json.dumps(request), unix=self.one.admin)
        answer = json.loads(out)
        self.assertTrue(answer["stored"] and answer["created"])
        self.assertEqual({p["verdict"] for p in answer["permissions"]}, {"PERMISSION_VERDICT_WORKS"})
        self.buf("okta.connector.v1.Connector/Sync", '{"name":"acme","history":true}', unix=self.one.admin)
        out, _ = self.buf("okta.connector.v1.Connector/Status", unix=self.one.reader)
        row = json.loads(out)["connectors"][0]
        self.assertEqual((row["name"], row["state"]), ("acme", "CONNECTOR_STATE_LIVE"))
        self.org.post("/__stop-logins")
        before = self.org.truth()
        self.buf("okta.connector.v1.Connector/Sync", '{"name":"acme"}', unix=self.one.admin)
        out, _ = self.buf("okta.connector.v1.Connector/StreamLogins", '{"from_beginning":true}', server=self.one.tcp)
        logins, hello = [], None
        decoder, at = json.JSONDecoder(), 0
        while at < len(out.rstrip()):
            message, at = decoder.raw_decode(out, at)
            at += len(out[at:]) - len(out[at:].lstrip())
            hello = hello or message.get("hello")
            logins += message.get("logins", [])
        self.assertEqual(hello["name"], "acme")
        self.assert_exactly_once(logins, before, self.org.truth())
        out, _ = self.buf("okta.connector.v1.Connector/Delete", '{"name":"acme"}', unix=self.one.admin)
        self.assertTrue(json.loads(out)["purged"])
        self.buf("okta.connector.v1.Connector/Status", '{"name":"acme"}', unix=self.one.reader, expect=5 * 8)

    def test_a_following_stream_ends_with_the_callers_deadline(self):
        self.configure(self.one, self.org)
        _, err = self.buf("okta.connector.v1.Connector/StreamLogins", '{"follow":true}', server=self.one.tcp, timeout="2s",
                          expect=4 * 8)
        self.assertIn("deadline", err.lower())

    def test_a_reader_may_not_configure_and_is_told_where_to(self):
        for where in ({"unix": self.one.reader}, {"server": self.one.tcp}):
            _, err = self.buf("okta.connector.v1.Connector/Configure", '{"name":"acme"}', expect=7 * 8, **where)
            self.assertIn("admin", err)

    def test_health_speaks_of_the_server_its_services_and_upstream(self):
        self.configure(self.one, self.org)
        for name in ("", "okta.connector.v1.Connector", "okta.connector.v1.Directory"):
            out, _ = self.buf("grpc.health.v1.Health/Check", json.dumps({"service": name}), server=self.one.tcp)
            self.assertEqual(json.loads(out)["status"], "SERVING", name)

        def fresh():
            out, _ = self.buf("grpc.health.v1.Health/Check", '{"service":"upstream/acme"}', server=self.one.tcp, expect=None)
            return "\"SERVING\"" in out

        eventually("upstream is fresh", fresh)
        self.buf("grpc.health.v1.Health/Check", '{"service":"nobody"}', server=self.one.tcp, expect=5 * 8)


class Grpcio(harness.Case):
    def setUp(self):
        super().setUp()
        import grpc
        from okta.connector.v1 import connector_pb2, connector_pb2_grpc, directory_pb2, directory_pb2_grpc
        self.grpc, self.pb, self.directory_pb = grpc, connector_pb2, directory_pb2
        self.org = self.emulator(users=450, history_events=300)
        self.one = self.server()
        self.admin = grpc.insecure_channel(self.one.admin)
        self.tcp = grpc.insecure_channel(self.one.tcp)
        self.addCleanup(self.admin.close)
        self.addCleanup(self.tcp.close)
        self.stub = connector_pb2_grpc.ConnectorStub(self.admin)
        self.reader = connector_pb2_grpc.ConnectorStub(self.tcp)
        self.directory = directory_pb2_grpc.DirectoryStub(self.tcp)

    def refused(self, code, call):
        with self.assertRaises(self.grpc.RpcError) as caught:
            answer = call()
            if hasattr(answer, "__next__"):
                list(answer)
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        self.assertTrue(caught.exception.details())
        return caught.exception

    def configured(self):
        answer = self.stub.Configure(self.pb.ConfigureRequest(name="acme", org=self.org.url, api_token=harness.TOKEN), timeout=60)
        self.assertTrue(answer.stored)
        return list(self.stub.Sync(self.pb.SyncRequest(name="acme", history=True), timeout=60))

    def test_sync_reports_until_done(self):
        messages = self.configured()
        self.assertTrue(messages[-1].done and not any(m.done for m in messages[:-1]))
        self.assertEqual(len({m.sync_id for m in messages}), 1)
        self.assertTrue(all(c.complete for c in messages[-1].collections))

    def test_users_by_page_by_id_and_by_login(self):
        self.configured()
        users, token = [], ""
        while True:
            page = self.directory.ListUsers(self.directory_pb.ListUsersRequest(page_size=100, page_token=token), timeout=30)
            users += page.users
            token = page.next_page_token
            self.assertTrue(page.complete)
            if not token:
                break
        self.assertEqual(len({u.id for u in users}), 450)
        one = users[123]
        by_id = self.directory.GetUser(self.directory_pb.GetUserRequest(id=one.id), timeout=30).user
        by_login = self.directory.GetUser(self.directory_pb.GetUserRequest(login=one.profile.login.upper()), timeout=30).user
        self.assertEqual((by_id, by_login), (one, one))
        code = self.grpc.StatusCode
        self.refused(code.NOT_FOUND, lambda: self.directory.GetUser(self.directory_pb.GetUserRequest(id="00unobody"), timeout=30))
        self.refused(code.INVALID_ARGUMENT, lambda: self.directory.GetUser(self.directory_pb.GetUserRequest(), timeout=30))
        self.refused(code.INVALID_ARGUMENT,
                     lambda: self.directory.ListUsers(self.directory_pb.ListUsersRequest(page_token="!"), timeout=30))

    def stream(self, **request):
        return self.reader.StreamLogins(self.pb.StreamLoginsRequest(**request), timeout=60)

    def events(self, **request):
        return [e for m in self.stream(**request) for e in m.logins]

    def test_every_start_begins_where_it_says(self):
        self.org.post("/__stop-logins")
        self.configured()
        # What comes late from now on is not for this test.
        self.org.post("/__token?value=00anotherToken")
        everything = self.events(from_beginning=True)
        self.assertEqual([e.sequence for e in self.events(last=7)], [e.sequence for e in everything[-7:]])
        self.assertEqual(self.events(last=0), [])
        self.assertEqual(self.events(from_now=True), [])
        self.assertEqual(self.events(), [])
        since = everything[len(everything) // 2].published
        wanted = [e.sequence for e in everything if (e.published.seconds, e.published.nanos) >= (since.seconds, since.nanos)]
        self.assertEqual([e.sequence for e in self.events(since=since)], wanted)
        # A token resumes after its message, whatever the batches.
        for batch in (1, 7, 1000):
            messages = [m for m in self.stream(from_beginning=True, max_batch=batch) if m.logins]
            self.assertTrue(all(len(m.logins) <= batch for m in messages))
            middle = messages[len(messages) // 2]
            rest = [e.sequence for e in self.events(resume_token=middle.resume_token)]
            self.assertEqual(rest, [e.sequence for e in everything if e.sequence > middle.logins[-1].sequence])

    def test_hello_comes_at_once_and_progress_while_idle(self):
        self.org.post("/__stop-logins")
        self.configured()
        from google.protobuf import duration_pb2
        stream = self.stream(follow=True, progress_interval=duration_pb2.Duration(seconds=1))
        first = next(stream)
        self.assertTrue(first.HasField("hello") and first.resume_token)
        self.assertEqual(first.hello.name, "acme")
        marks = [next(stream), next(stream)]
        self.assertTrue(all(m.HasField("progress") and m.progress.at_head and m.resume_token for m in marks))
        stream.cancel()

    def test_bad_starts_are_refused_in_words(self):
        self.configured()
        code = self.grpc.StatusCode
        self.refused(code.INVALID_ARGUMENT, lambda: self.stream(resume_token="nonsense"))
        self.refused(code.INVALID_ARGUMENT, lambda: self.stream(from_beginning=False))
        self.refused(code.INVALID_ARGUMENT, lambda: self.stream(last=10000000))
        self.refused(code.INVALID_ARGUMENT, lambda: self.stream(max_batch=10000000))
        self.refused(code.NOT_FOUND, lambda: self.stream(name="nobody"))
        token = next(self.stream(from_beginning=True)).resume_token
        self.stub.Delete(self.pb.DeleteRequest(name="acme"), timeout=60)
        self.configured()
        error = self.refused(code.FAILED_PRECONDITION, lambda: self.stream(resume_token=token))
        self.assertIn("token", error.details())

    def test_a_cancelled_reader_leaves_no_trace(self):
        self.configured()
        streams = [self.stream(follow=True) for _ in range(20)]
        for s in streams:
            next(s)

        def subscribers():
            return len(self.reader.Status(self.pb.StatusRequest(), timeout=30).connectors[0].subscribers)

        eventually("twenty readers", lambda: subscribers() == 20)
        for s in streams:
            s.cancel()
        eventually("none", lambda: subscribers() == 0)

    def test_a_reader_that_does_not_read_holds_nobody_up(self):
        self.configured()
        stuck = self.stream(from_beginning=True, follow=True)
        next(stuck)
        seen = []
        reading = self.stream(from_beginning=True, follow=True)

        def read():
            try:
                for m in reading:
                    seen.extend(m.logins)
            except self.grpc.RpcError:
                pass

        thread = threading.Thread(target=read)
        thread.start()
        before = len(self.org.truth())
        eventually("new logins come through", lambda: len(seen) > before + 10)
        reading.cancel()
        stuck.cancel()
        thread.join()

    def test_deleting_ends_the_streams_on_it(self):
        self.configured()
        stream = self.stream(follow=True)
        next(stream)
        self.stub.Delete(self.pb.DeleteRequest(name="acme", keep_data=True), timeout=60)
        self.refused(self.grpc.StatusCode.UNAVAILABLE, lambda: stream)
        # Kept data is still to be read.
        self.assertTrue(self.events(name="acme", from_beginning=True))
        state = self.reader.Status(self.pb.StatusRequest(name="acme"), timeout=30).connectors[0].state
        self.assertEqual(state, self.pb.CONNECTOR_STATE_RETIRED)


if __name__ == "__main__":
    harness.main()
