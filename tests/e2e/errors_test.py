"""Every failure through clients that nobody here wrote: a code, a sentence, a reason of the catalogue, and the details that
belong to it."""

import base64
import json
import time

import harness
from harness import eventually

import grpc
from details import MESSAGES, Details
from okta.connector.v1 import connector_pb2 as pb
from okta.connector.v1 import connector_pb2_grpc, directory_pb2, directory_pb2_grpc

SERVICE = "/okta.connector.v1.Connector/"


class Case(harness.Case):
    def channel(self, address):
        channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        self.addCleanup(channel.close)
        return channel

    def failure(self, call, *args, **more):
        """The details of a call, unary or a stream, that must fail."""
        try:
            answer = call(*args, timeout=more.pop("timeout", 60), **more)
            for _ in () if hasattr(answer, "DESCRIPTOR") or isinstance(answer, bytes) else answer:
                pass
        except grpc.RpcError as e:
            return Details(e)
        self.fail("it did not fail")

    def assert_says(self, details, code, reason):
        self.assertEqual((details.code.name, details.reason), (code, reason), details.text)


class Requests(Case):
    """What callers do wrong."""

    def setUp(self):
        super().setUp()
        self.org = self.emulator(users=20, history_events=100)
        self.one = self.server()
        self.configure(self.one, self.org)
        self.raw = self.channel(self.one.admin)
        self.connector = connector_pb2_grpc.ConnectorStub(self.raw)
        self.directory = directory_pb2_grpc.DirectoryStub(self.raw)

    def bytes_call(self, path, data):
        return self.failure(self.raw.unary_unary(path, request_serializer=None, response_deserializer=None), data)

    def test_each_has_a_reason_and_what_belongs_to_it(self):
        for path in (SERVICE + "Nope", "/nowhere", "/a.b.C/D"):
            self.assert_says(self.bytes_call(path, b""), "UNIMPLEMENTED", "UNKNOWN_METHOD")
        d = self.bytes_call(SERVICE + "Status", b"\x0a" + bytes([0x80, 0x80, 0x12]) + b"x" * (0x12 << 14))
        self.assert_says(d, "RESOURCE_EXHAUSTED", "REQUEST_TOO_LARGE")
        self.assertEqual((d.quota.subject, d.retry_s), ("request", None))
        d = self.bytes_call(SERVICE + "Status", b"\x0a\x05xy")
        self.assert_says(d, "INVALID_ARGUMENT", "REQUEST_INVALID")
        self.assertEqual(list(d.fields), [""])
        d = self.bytes_call(SERVICE + "Configure", b"\x4a\x03\x0a\x01\xff")
        self.assert_says(d, "INVALID_ARGUMENT", "REQUEST_INVALID")
        self.assertEqual(list(d.fields), ["service_app.client_id"])
        d = self.failure(self.connector.Status, pb.StatusRequest(name="nobody"))
        self.assert_says(d, "NOT_FOUND", "NO_SUCH_CONNECTOR")
        d = self.failure(self.connector.Delete, pb.DeleteRequest())
        self.assert_says(d, "INVALID_ARGUMENT", "NAME_REQUIRED")
        self.assertEqual(list(d.fields), ["name"])
        d = self.failure(self.directory.ListUsers, directory_pb2.ListUsersRequest(page_size=1001))
        self.assert_says(d, "INVALID_ARGUMENT", "PAGE_SIZE_INVALID")
        self.assertEqual(list(d.fields), ["page_size"])
        d = self.failure(self.directory.GetUser, directory_pb2.GetUserRequest())
        self.assert_says(d, "INVALID_ARGUMENT", "USER_INVALID")
        self.cli(self.one, "sync", "acme")
        d = self.failure(self.directory.GetUser, directory_pb2.GetUserRequest(id="00unobody"))
        self.assert_says(d, "NOT_FOUND", "NO_SUCH_USER")
        self.assertEqual(d.metadata, {"connector": "acme"})
        health = self.raw.unary_unary("/grpc.health.v1.Health/Check", request_serializer=None, response_deserializer=None)
        self.assert_says(self.failure(health, b"\x0a\x04nope"), "NOT_FOUND", "HEALTH_UNKNOWN")

    def test_all_that_is_wrong_is_told_at_once(self):
        request = pb.StreamLoginsRequest(max_batch=1000000, last=2000000)
        request.progress_interval.nanos = 1
        d = self.failure(self.connector.StreamLogins, request)
        self.assert_says(d, "INVALID_ARGUMENT", "MAX_BATCH_INVALID")
        self.assertEqual(sorted(d.fields), ["last", "max_batch", "progress_interval"])
        for text in d.fields.values():
            self.assertIn(text, d.text)
        request = pb.ConfigureRequest(name="A b", org="https://acme.okta.com/api/v1", api_token="")
        request.history_days.value = 91
        d = self.failure(self.connector.Configure, request)
        self.assert_says(d, "INVALID_ARGUMENT", "NAME_INVALID")
        self.assertEqual(sorted(d.fields), ["api_token", "history_days", "name", "org"])
        d = self.failure(self.connector.Configure, pb.ConfigureRequest(name="acme", collections=[77, 1, 78]))
        self.assert_says(d, "INVALID_ARGUMENT", "COLLECTION_INVALID")
        self.assertEqual(sorted(d.fields), ["collections[0]", "collections[2]"])

    def test_a_reader_is_told_which_socket(self):
        for address in (self.one.reader, self.one.tcp):
            stub = connector_pb2_grpc.ConnectorStub(self.channel(address))
            for call, request in ((stub.Configure, pb.ConfigureRequest()), (stub.Sync, pb.SyncRequest()),
                                  (stub.Delete, pb.DeleteRequest())):
                self.assert_says(self.failure(call, request), "PERMISSION_DENIED", "ADMIN_SOCKET_NEEDED")

    def test_a_deadline_ends_a_stream_with_its_place(self):
        def ended():
            # On a machine that is held up, the client's own clock may be the first.
            try:
                return self.failure(self.connector.StreamLogins, pb.StreamLoginsRequest(follow=True, last=0), timeout=2)
            except KeyError:
                return None

        d = eventually("a deadline that the server is ahead of", ended)
        self.assert_says(d, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        d2 = eventually("the same from the token", lambda: self.resumed(d.token))
        self.assert_says(d2, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")

    def resumed(self, token):
        try:
            return self.failure(self.connector.StreamLogins, pb.StreamLoginsRequest(follow=True, resume_token=token), timeout=2)
        except KeyError:
            return None

    def test_buf_shows_the_details(self):
        _, err = self.buf("okta.connector.v1.Connector/StreamLogins", '{"max_batch":1000000}', unix=self.one.admin, expect=3 * 8)
        self.assertIn("max_batch is 1000000", err)
        told = json.loads(err[err.index("{"):])
        self.assertEqual(told["code"], "invalid_argument")
        shown = {d["type"]: base64.b64decode(d["value"] + "==") for d in told["details"]}
        self.assertEqual(sorted(shown), ["google.rpc.BadRequest", "google.rpc.ErrorInfo", "google.rpc.Help"])
        bad = MESSAGES["BadRequest"].FromString(shown["google.rpc.BadRequest"])
        self.assertEqual(bad.field_violations[0].field, "max_batch")


class Upstream(Case):
    """What Okta answers is never blamed on the caller."""

    def setUp(self):
        super().setUp()
        self.org = self.emulator(users=20, history_events=100)

    def request(self, token=harness.TOKEN):
        return pb.ConfigureRequest(name="acme", org=self.org.url, api_token=token)

    def test_a_refused_token_is_a_precondition_with_oktas_words(self):
        server = self.server()
        connector = connector_pb2_grpc.ConnectorStub(self.channel(server.admin))
        d = self.failure(connector.Configure, self.request("00aTokenOfAnotherOrg0123456789"))
        self.assert_says(d, "FAILED_PRECONDITION", "OKTA_TOKEN_REFUSED")
        self.assertEqual(d.metadata["okta_http_status"], "401")
        self.assertEqual(d.metadata["okta_error_code"], "E0000011")
        self.assertIn(d.metadata["okta_request_id"], d.text)
        self.assertTrue(d.help.url.startswith("https://developer.okta.com/"), d.help.url)
        # And later, from the connector's own thread.
        connector.Configure(self.request(), timeout=60)
        self.org.post("/__token?value=00theNextToken0123456789")
        eventually("the dead token is believed",
                   lambda: connector.Status(pb.StatusRequest(), timeout=60).connectors[0].state == pb.CONNECTOR_STATE_RECONNECT_REQUIRED,
                   120)
        d = self.failure(connector.Sync, pb.SyncRequest())
        self.assert_says(d, "FAILED_PRECONDITION", "OKTA_TOKEN_REFUSED")
        self.assertEqual((d.metadata["connector"], d.metadata["okta_http_status"]), ("acme", "401"))
        self.assertTrue(d.metadata["okta_request_id"])

    def test_a_limit_names_its_bucket_and_its_end(self):
        server = self.server()
        connector = connector_pb2_grpc.ConnectorStub(self.channel(server.admin))
        reset = int(time.time()) + 3000
        self.org.post("/__faults", json.dumps({"fault": "status", "prefix": "/api/v1/users", "status": 429, "headers": {
            "X-Rate-Limit-Limit": "600", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(reset)}}).encode())
        d = self.failure(connector.Configure, self.request(), timeout=150)
        self.assert_says(d, "RESOURCE_EXHAUSTED", "ORG_RATE_LIMITED")
        self.assertEqual(d.quota.subject, "bucket:/api/v1/users")
        self.assertEqual(d.metadata["okta_http_status"], "429")
        self.assertGreater(d.retry_s, 0)

    def test_an_org_that_nobody_reaches_is_not_ready(self):
        dead = "http://127.0.0.1:%d" % harness.free_port()
        server = self.server("--org", dead, "--token-file", self.token_file())
        channel = self.channel(server.reader)
        d = self.failure(connector_pb2_grpc.ConnectorStub(channel).StreamLogins, pb.StreamLoginsRequest(follow=True))
        self.assert_says(d, "UNAVAILABLE", "NOT_READY")
        d = self.failure(directory_pb2_grpc.DirectoryStub(channel).ListUsers, directory_pb2.ListUsersRequest())
        self.assert_says(d, "UNAVAILABLE", "NOT_READY")
        admin = connector_pb2_grpc.ConnectorStub(self.channel(server.admin))
        d = self.failure(admin.Configure, pb.ConfigureRequest(name="other", org=dead, api_token=harness.TOKEN))
        self.assert_says(d, "FAILED_PRECONDITION", "OKTA_UNREACHABLE")


if __name__ == "__main__":
    harness.main()
