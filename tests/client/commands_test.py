"""Every subcommand against a stand-in for the server: what is asked, what is printed, which exit code."""

import json
import os
import socket
import sys
import unittest

# Python looks beside the script's real place first, which is not where its stubs are.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from fake import CLIENT, KEY, TOKEN, Case, dpb, event, field, grpc, pb, retry_info
from google.protobuf import json_format

HOSTILE = "evil\x1b[2J\nname\u202e"


def as_json(message):
    return json.loads(json_format.MessageToJson(message, preserving_proto_field_name=True))


class ConfigureTest(Case):
    def request(self):
        return self.fake.asked(pb.ConfigureRequest)[-1]

    def configure(self, *args, **more):
        return self.cli("configure", "acme", "--org", "acme.okta.com", "--token-file", self.token_file(), *args, **more)

    def test_it_sends_what_was_said_and_shows_the_table(self):
        out, err = self.configure("--history-days", "7", "--retention-days", "60", "--collect", "users", "--allow-partial")
        r = self.request()
        self.assertEqual((r.name, r.org, r.api_token), ("acme", "acme.okta.com", TOKEN))
        self.assertEqual((r.history_days.value, r.retention_days.value), (7, 60))
        self.assertEqual(list(r.collections), [pb.COLLECTION_USERS])
        self.assertTrue(r.allow_partial and not r.validate_only)
        self.assertRegex(out, r"users +/api/v1/users +works +HTTP 200")
        self.assertIn("a word of warning", out)
        self.assertIn("okta-connector logins acme --follow", out)
        self.assertEqual(err, "")
        self.assertNotIn(TOKEN, out + err)

    def test_what_was_not_said_is_absent(self):
        self.configure()
        r = self.request()
        self.assertFalse(r.HasField("history_days") or r.HasField("retention_days") or r.collections or r.allow_partial)

    def test_a_token_on_stdin(self):
        self.cli("configure", "acme", "--org", "acme", "--token-file", "-", stdin=" " + TOKEN + "\n\n")
        self.assertEqual(self.request().api_token, TOKEN)

    def test_a_name_is_made_of_the_orgs(self):
        for org, name in [("https://Acme.okta.com/", "acme"), ("acme-2.oktapreview.com", "acme-2"), ("acme", "acme")]:
            with self.subTest(org):
                self.cli("configure", "--org", org, "--token-file", self.token_file())
                self.assertEqual(self.request().name, name)

    def test_a_token_file_that_others_can_read_is_warned_of(self):
        path = self.token_file(mode=0o644)
        _, err = self.cli("configure", "acme", "--org", "acme", "--token-file", path)
        self.assertIn("chmod 600", err)

    def test_a_token_that_is_none_is_refused_before_anything_is_sent(self):
        for text, says in [("", "give the API token itself"), ("YOUR_TOKEN_HERE", "placeholder"), ("a\nb", "give the API token alone"), ("x" * 5000, "longer")]:
            with self.subTest(text[:20]):
                _, err = self.cli("configure", "acme", "--org", "acme", "--token-file", self.token_file(text), status=2)
                self.assertIn(says, err)
        _, err = self.cli("configure", "acme", "--org", "acme", "--token-file", "/nowhere/token", status=2)
        self.assertIn("/nowhere/token", err)
        self.assertEqual(self.fake.requests, [])

    def test_values_out_of_range_are_refused_before_anything_is_sent(self):
        for args in [("--history-days", "91"), ("--retention-days", "0"), ("--collect", "groups"), ("--collect", "users,users")]:
            with self.subTest(args):
                self.configure(*args, status=2)
        self.cli("configure", "acme", "--org", " ", "--token-file", self.token_file(), status=2)
        self.assertEqual(self.fake.requests, [])

    def test_check_stores_nothing_and_tells_by_its_exit_code(self):
        out, _ = self.configure("--check")
        self.assertTrue(self.request().validate_only)
        self.assertIn("Nothing was stored", out)
        self.fake.permissions = [pb.Permission(endpoint="/api/v1/logs", verdict=pb.PERMISSION_VERDICT_ROLE_MISSING, http_status=403,
                                               error_code="E0000006", remedy="give it a role" + HOSTILE)]
        out, _ = self.configure("--check", status=6)
        self.assertRegex(out, r"/api/v1/logs +role missing +HTTP 403 E0000006")
        self.assertIn("give it a roleevil\\x1b[2J\\nname\\u202e", out)

    def test_json(self):
        out, _ = self.configure("-o", "json")
        self.assertEqual(json.loads(out)["permissions"][0]["verdict"], "PERMISSION_VERDICT_WORKS")

    def test_a_missing_permission_shows_the_table_as_well(self):
        self.fake.refuse_store = (grpc.StatusCode.FAILED_PRECONDITION, "users cannot be listed", "OKTA_PERMISSION_MISSING")
        out, err = self.configure(status=6)
        self.assertIn("/api/v1/users", out)
        self.assertIn("users cannot be listed", err)
        self.assertIn("--allow-partial", err)

    def test_on_a_terminal_it_asks_and_hides_the_token(self):
        seen = self.on_terminal(["configure"], [("Okta org", b"https://acme.okta.com\n"), ("[acme]", b"\n"), ("[token]", b"\n"),
                                                ("(not shown", TOKEN.encode() + b"\n")])
        r = self.request()
        self.assertEqual((r.name, r.org, r.api_token), ("acme", "https://acme.okta.com", TOKEN))
        self.assertNotIn(TOKEN, seen)
        self.assertNotIn("0123", seen)

    def test_on_a_terminal_it_asks_for_a_service_app_too(self):
        path = self.key_file()
        seen = self.on_terminal(["configure"], [("Okta org", b"acme\n"), ("[acme]", b"\n"), ("[token]", b"app\n"), ("Client id", b"0oa1\n"),
                                                ("private key", path.encode() + b"\n"), ("Key id", b"kid1\n")])
        app = self.request().service_app
        self.assertEqual((app.client_id, app.private_key, app.key_id), ("0oa1", KEY.strip(), "kid1"))
        self.assertNotIn("Tm90QVJl", seen)
        self.on_terminal(["reconnect", "acme"], [("[token]", b"maybe\n")], status=2)

    def test_a_service_app_goes_as_one(self):
        out, err = self.cli("configure", "acme", "--org", "acme", "--client-id", "0oa1", "--private-key-file", self.key_file(), "--key-id", "kid1")
        r = self.request()
        self.assertEqual(r.WhichOneof("credential"), "service_app")
        self.assertEqual((r.service_app.client_id, r.service_app.private_key, r.service_app.key_id), ("0oa1", KEY.strip(), "kid1"))
        self.assertNotIn("Tm90QVJl", out + err)
        self.cli("reconnect", "acme", "--client-id", "0oa2", "--private-key-file", "-", stdin=KEY)
        r = self.request()
        self.assertEqual((r.org, r.service_app.client_id, r.service_app.private_key, r.service_app.key_id), ("", "0oa2", KEY.strip(), ""))

    def test_what_does_not_go_together_is_refused_before_anything_is_sent(self):
        key, token = self.key_file(), self.token_file()
        for args, says in [(["--client-id", "0oa1"], "both --client-id and --private-key-file"), (["--private-key-file", key], "both"),
                           (["--token-file", token, "--client-id", "0oa1", "--private-key-file", key], "not both"),
                           (["--token-file", token, "--key-id", "kid1"], "not both"),
                           (["--client-id", "0oa1", "--private-key-file", token], "no private key"),
                           (["--client-id", "0oa1", "--private-key-file", "/nowhere/key"], "/nowhere/key")]:
            for command in [["configure", "acme", "--org", "acme"], ["reconnect", "acme"]]:
                with self.subTest(command + args):
                    self.assertIn(says, self.cli(*command, *args, status=2)[1])
        self.assertEqual(self.fake.requests, [])

    def test_a_key_file_that_others_can_read_is_warned_of(self):
        _, err = self.cli("configure", "acme", "--org", "acme", "--client-id", "0oa1", "--private-key-file", self.key_file(mode=0o644))
        self.assertIn("chmod 600", err)

    def test_ctrl_c_at_the_question_ends_it(self):
        self.on_terminal(["configure"], [("Okta org", b"\x03")], status=130)
        self.assertEqual(self.fake.requests, [])

    def test_reconnect_sends_a_token_and_no_org(self):
        self.cli("reconnect", "acme", "--token-file", self.token_file())
        r = self.request()
        self.assertEqual((r.name, r.org, r.api_token, r.validate_only), ("acme", "", TOKEN, False))
        self.cli("reconnect", "acme", status=2)
        self.cli("reconnect", status=2)


class StatusTest(Case):
    def setUp(self):
        super().setUp()
        s = self.fake.status
        s.now.seconds = 1773480413
        s.started.seconds = s.now.seconds - 7500
        c = s.connectors.add(name="acme", org_id="00oFake", org_url="https://acme.okta.com", state=pb.CONNECTOR_STATE_DEGRADED,
                             state_reason="Okta does not answer" + HOSTILE, requests=1234, requests_429=1)
        c.state_since.seconds = s.now.seconds - 60
        c.tail.last_success.seconds = s.now.seconds - 3
        c.tail.at_head = True
        c.tail.interval.seconds = 5
        c.tail.events_read = 12345
        c.history.state = pb.HISTORY_STATE_RUNNING
        c.history.target.seconds = s.now.seconds - 30 * 86400
        c.collections.add(collection=pb.COLLECTION_USERS, objects=2000, complete=True)
        c.budgets.add(bucket="/api/v1/logs", limit=120, remaining=118, spent=2, share_percent=50)
        c.waits.add(what="back-fill", bucket="/api/v1/logs", reason="half of the limit is spent").until.seconds = s.now.seconds + 5
        c.subscribers.add(peer="admin unix:/run/x", events_sent=17, lag_events=3)
        c.store.epoch = "e1"
        c.store.events = 20345
        c.store.bytes = 12300000
        c.store.max_bytes = 16000000000
        c.last_error.message = "the poll failed"
        c.last_error.http_status = 503
        c.last_error.request_id = "req-1"
        c.last_error.when.seconds = s.now.seconds - 120

    def test_the_page_tells_all_with_ages(self):
        out, _ = self.cli("status")
        for part in ["okta-connectord 9.9.9", "started 2 h 5 min ago", "acme  https://acme.okta.com (00oFake)", "DEGRADED, since 1 min ago",
                     "at the head; last answer 3 s ago, asked never; polls every 5 s", "12,345 events read", "on its way from now to 2026-02-12",
                     "2,000, complete", "118 of 120 a minute left, 2 ours (at most 50 %)", "back-fill, in 5 s, for /api/v1/logs: half of",
                     "admin unix:/run/x", "17 sent", "3 behind", "20,345 logins", "12.3 MB of 16.0 GB", "2 min ago: the poll failed",
                     "HTTP 503", "Okta's request id req-1", "1,234 to Okta", "evil\\x1b[2J\\nname\\u202e"]:
            self.assertIn(part, out)
        self.assertNotIn("\x1b", out)

    def test_it_says_what_is_signed_in_with(self):
        c = self.fake.status.connectors[0].credential
        c.kind = pb.CREDENTIAL_KIND_SERVICE_APP
        c.client_id = "0oa1" + HOSTILE
        c.fingerprint = "0123abcd"
        c.set_since.seconds = self.fake.status.now.seconds - 7500
        c.from_file = True
        c.scopes_granted.append("okta.logs.read")
        c.scopes_missing.append("okta.users.read")
        out, _ = self.cli("status")
        self.assertIn("signs in", out)
        self.assertIn("as service app 0oa1evil\\x1b[2J\\nname\\u202e, from a file, set 2 h 5 min ago; fingerprint 0123abcd", out)
        self.assertIn("scopes okta.logs.read; not granted: okta.users.read", out)
        c.kind = pb.CREDENTIAL_KIND_API_TOKEN
        c.from_file = False
        self.assertIn("with an API token, sealed in the store, set", self.cli("status")[0])

    def test_names_alone(self):
        self.fake.status.connectors.add(name="beta" + HOSTILE)
        self.assertEqual(self.cli("status", "--names")[0], "acme\nbetaevil\\x1b[2J\\nname\\u202e\n")
        del self.fake.status.connectors[:]
        self.assertEqual(self.cli("status", "--names"), ("", ""))

    def test_a_state_that_is_not_well_says_what_to_do(self):
        c = self.fake.status.connectors[0]
        c.remedy = "wait" + HOSTILE
        out, _ = self.cli("status")
        self.assertIn("next: waitevil\\x1b[2J\\nname\\u202e", out)
        self.assertIn("more: okta-connector doctor acme", out)
        c.state, c.remedy = pb.CONNECTOR_STATE_LIVE, ""
        out, _ = self.cli("status")
        self.assertNotIn("next:", out)
        self.assertNotIn("doctor", out)

    def test_colours_only_when_wanted(self):
        self.assertIn("\x1b[31mDEGRADED\x1b[0m", self.cli("--color", "always", "status")[0])
        self.assertIn("\x1b[31m", self.on_terminal(["status"]))
        self.assertNotIn("\x1b[", self.on_terminal(["status", "--color=never"]))

    def test_json_is_the_response(self):
        out, _ = self.cli("status", "acme", "-o", "json")
        self.assertEqual(json.loads(out), as_json(self.fake.status))
        self.assertEqual(self.fake.requests[-1].name, "acme")
        self.assertEqual(len(self.cli("status", "-o", "jsonl")[0].splitlines()), 1)

    def test_without_connectors_it_says_what_to_do(self):
        del self.fake.status.connectors[:]
        self.assertIn("okta-connector configure", self.cli("status")[0])

    def test_version_asks_the_server_too(self):
        self.assertRegex(self.cli("version")[0], r"^okta-connector \d+\.\d+\.\d+\nokta-connectord 9\.9\.9 at unix:")
        out, err = self.cli("version", address="/nowhere")
        self.assertEqual(len(out.splitlines()), 1)
        self.assertIn("/nowhere", err)


class SyncTest(Case):
    def steps(self, done=True):
        for listed in (200, 400):
            yield pb.SyncResponse(sync_id="s1", collections=[pb.CollectionStatus(collection=pb.COLLECTION_USERS, listed=listed)])
        if done:
            yield pb.SyncResponse(sync_id="s1", collections=[pb.CollectionStatus(collection=pb.COLLECTION_USERS, objects=2000, complete=True)],
                                  tail_at_head=True, done=True)

    def test_it_ends_when_all_is_there(self):
        self.fake.steps = list(self.steps())
        out, err = self.cli("sync", "acme", "--history")
        r = self.fake.requests[0]
        self.assertEqual((r.name, r.history), ("acme", True))
        self.assertRegex(out, r"^in sync after .*: users 2,000 · tail at the head\n$")
        self.assertIn("users 200…", err)
        self.assertIn("sync 100 %", err)
        self.assertNotIn("\r", err)

    def test_how_long_it_takes_where_that_is_known(self):
        history = pb.HistoryStatus(state=pb.HISTORY_STATE_RUNNING)
        unknown = pb.Plan(calls=[pb.PlannedCalls(what="history", known=False)])
        for plan, args, shown in ((pb.Plan(left={"seconds": 240}), ["--history"], True),
                                  (pb.Plan(left={"seconds": 240}), [], False), (unknown, ["--history"], False)):
            self.fake.steps = [pb.SyncResponse(history=history, plan=plan), pb.SyncResponse(tail_at_head=True, done=True)]
            self.assertEqual("about 4 min left" in self.cli("sync", *args)[1], shown)

    def test_a_bar_on_a_terminal(self):
        self.fake.steps = list(self.steps())
        seen = self.on_terminal(["sync", "acme"])
        self.assertIn("[--------------------] 0 %", seen)
        self.assertIn("[####################] 100 %", seen)

    def test_json_and_lines(self):
        self.fake.steps = list(self.steps())
        self.assertEqual(json.loads(self.cli("sync", "-o", "json")[0])["done"], True)
        lines = self.cli("sync", "-o", "jsonl")[0].splitlines()
        self.assertEqual([json.loads(line).get("done", False) for line in lines], [False, False, True])

    def test_an_end_without_done_is_a_failure(self):
        self.fake.steps = list(self.steps(done=False))
        self.cli("sync", status=1)


class UsersTest(Case):
    def setUp(self):
        super().setUp()
        for n in range(5):
            u = dpb.User(id="00u%d" % n, status="ACTIVE")
            u.profile.login = "person%d@acme.example" % n
            u.profile.first_name = "Åsa"
            self.fake.users.append(u)

    def test_all_pages(self):
        out, err = self.cli("users", "acme", "-o", "jsonl")
        self.assertEqual([json.loads(line)["id"] for line in out.splitlines()], ["00u0", "00u1", "00u2", "00u3", "00u4"])
        self.assertEqual([r.page_token for r in self.fake.requests], ["", "2", "4"])
        self.assertEqual(self.fake.requests[0].connector, "acme")
        self.assertEqual(err, "")

    def test_an_array(self):
        self.assertEqual(json.loads(self.cli("users", "-o", "json")[0]), [as_json(u) for u in self.fake.users])
        self.fake.users = []
        self.assertEqual(json.loads(self.cli("users", "-o", "json")[0]), [])

    def test_a_table(self):
        out, err = self.cli("users")
        self.assertRegex(out.splitlines()[0], r"^LOGIN +NAME +STATUS +LAST LOGIN +ID$")
        self.assertRegex(out.splitlines()[5], r"^person4@acme.example +Åsa +ACTIVE +never +00u4$")
        self.assertIn("5 users", err)

    def test_pages_that_go_round_in_a_circle_end(self):
        self.fake.page_loop = True
        self.cli("users", status=1)


class DeleteTest(Case):
    def test_nobody_to_ask_and_no_yes(self):
        self.cli("delete", "acme", status=2)
        self.cli("delete", status=2)
        self.assertEqual(self.fake.requests, [])

    def test_yes(self):
        out, _ = self.cli("delete", "acme", "--yes")
        self.assertEqual((self.fake.requests[0].name, self.fake.requests[0].keep_data), ("acme", False))
        self.assertIn("Revoke the token in Okta.", out)

    def test_the_name_is_the_answer(self):
        self.on_terminal(["delete", "acme"], [("Type the name", b"y\n")], status=1)
        self.assertEqual(self.fake.requests, [])
        self.on_terminal(["delete", "acme"], [("Type the name", b"acme\n")])
        self.assertEqual(len(self.fake.requests), 1)

    def test_keeping_the_data_needs_only_a_yes(self):
        self.on_terminal(["delete", "acme", "--keep-data"], [("[y/N]", b"\n")], status=1)
        self.on_terminal(["delete", "acme", "--keep-data"], [("[y/N]", b"y\n")])
        self.assertTrue(self.fake.requests[0].keep_data)


class TableTest(Case):
    def test_logins_are_rows_and_nobody_drives_the_terminal(self):
        self.fake.add(event(0), event(86400, event_type="user.authentication.sso"))
        self.fake.events[1].actor.alternate_id = HOSTILE
        self.fake.events[1].client.geographical_context.city = "Malmö"
        out, _ = self.cli("logins")
        lines = out.splitlines()
        self.assertRegex(lines[0], r"^TIME +RESULT +EVENT +WHO +APP +FROM$")
        self.assertEqual((lines[1], lines[3]), ("-- 2026-03-14 UTC", "-- 2026-03-15 UTC"))
        self.assertRegex(lines[2], r"^09:26:53 +success +session.start +person0@acme.example +Mail +192.0.2.0$")
        self.assertRegex(lines[4], r"^09:26:53 +success +authentication.sso +evil\\x1b\[2J\\nname\\u202e +Mail +192.0.2.150 Malmö$")

    def test_on_a_terminal_a_line_fits(self):
        self.fake.add(event(0, event_type="user." + "x" * 300))
        for line in self.on_terminal(["logins", "--color", "never"], columns=60).splitlines():
            self.assertLessEqual(len(line), 60)

    def test_json_has_the_names_that_others_rely_on(self):
        self.fake.add(event(0))
        for format, load in [("json", lambda t: json.loads(t)[0]), ("jsonl", json.loads)]:
            one = load(self.cli("logins", "-o", format)[0])
            self.assertEqual(one, as_json(self.fake.events[0]))
            self.assertLessEqual({"uuid", "sequence", "published", "event_type", "kind", "result", "actor", "client", "app"}, set(one))


class ErrorTest(Case):
    def test_exit_codes(self):
        code = grpc.StatusCode
        for refuse, status in [((code.NOT_FOUND, "no \"acme\"", "NO_SUCH_CONNECTOR"), 3), ((code.INVALID_ARGUMENT, "which?", "NAME_REQUIRED"), 2),
                               ((code.FAILED_PRECONDITION, "Okta refused the token", "OKTA_TOKEN_REFUSED"), 6),
                               ((code.INVALID_ARGUMENT, "no PEM", "CREDENTIAL_INVALID"), 2),
                               ((code.FAILED_PRECONDITION, "put it into its file", "CONNECTOR_DECLARED"), 1),
                               ((code.FAILED_PRECONDITION, "something else"), 1), ((code.PERMISSION_DENIED, "not here"), 7),
                               ((code.FAILED_PRECONDITION, "of another", "OKTA_TOKEN_REFUSED", "another.domain"), 1),
                               ((code.UNAVAILABLE, "stopping", "SHUTTING_DOWN"), 4), ((code.OUT_OF_RANGE, "gone", "HISTORY_GONE"), 5)]:
            with self.subTest(refuse):
                self.fake.refuse = refuse
                _, err = self.cli("status", "acme", status=status)
                self.assertIn(refuse[1], err)
        self.fake.refuse = (code.INTERNAL, "bad \x1b[2J")
        self.assertNotIn("\x1b", self.cli("status", status=1)[1])

    def test_details_are_shown_where_they_help(self):
        code = grpc.StatusCode
        bad = b"".join(field(1, field(1, p) + field(2, d)) for p, d in ((b"name", b"no name"), (b"org", b"no org" + b"\x1b")))
        rows = [
            # one field: the text says it
            ((code.INVALID_ARGUMENT, "no name", "NAME_INVALID"), 2, {"BadRequest": field(1, field(1, b"name") + field(2, b"no name")),
                                                                  "Help": field(1, field(1, b"Choose a name."))},
             ["status: no name"]),
            # several: each has its line
            ((code.INVALID_ARGUMENT, "no name; no org", "NAME_INVALID"), 2, {"BadRequest": bad},
             ["status: 2 things are wrong:", "  name: no name", "  org: no org"]),
            # when to ask again
            ((code.RESOURCE_EXHAUSTED, "many", "TOO_MANY_PROBES"), 1, {"RetryInfo": retry_info(11.5)},
             ["status: many", "  next: try again in 12 s"]),
            ((code.UNAVAILABLE, "none yet", "NOT_READY"), 4, {"RetryInfo": retry_info(5)},
             ["status: none yet", "  next: okta-connector status says what it waits for; try again in 5 s"]),
            # a reason that is newer than this program: the server's own words
            ((code.FAILED_PRECONDITION, "odd", "SOMETHING_NEW"), 1, {"Help": field(1, field(1, b"Do this."))},
             ["status: odd", "  next: Do this."]),
            # and what cannot be read says nothing
            ((code.UNAVAILABLE, "odd", "NOT_FOUND"), 4, {"RetryInfo": b"\xff", "Help": b"\xff", "BadRequest": b"\xff"}, ["status: odd"]),
            ((code.UNAVAILABLE, "late", "UNAVAILABLE_NOW"), 4, {"RetryInfo": retry_info(2**40)},
             ["status: late", "  next: try again in 3600 s"]),
        ]
        for refuse, status, details, lines in rows:
            with self.subTest(refuse):
                self.fake.refuse, self.fake.refuse_details = refuse, details
                _, err = self.cli("status", "acme", status=status)
                shown = err.replace("okta-connector: ", "", 1).splitlines()
                self.assertEqual(len(shown), len(lines), err)
                for line, start in zip(shown, lines):
                    self.assertEqual(line[:len(start)], start)
                self.assertNotIn("\x1b", err)

    def test_nobody_there(self):
        path = os.path.join(self.folder, "gone")
        self.assertIn("No such file", self.cli("status", address=path, status=4)[1])
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
        self.assertIn("no server answers it", self.cli("status", address=path, status=4)[1])
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.assertIn("no server answers there", self.cli("status", address="127.0.0.1:%d" % s.getsockname()[1], status=4)[1])

    def test_somebody_there_who_says_nothing(self):
        path = os.path.join(self.folder, "mute")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
            s.listen()
            self.cli("--timeout", "300ms", "status", address=path, status=4)

    def test_an_answer_that_comes_too_late(self):
        self.fake.note = lambda request, context: __import__("time").sleep(2)
        self.cli("--timeout", "200ms", "status", status=4)

    def test_a_proxy_for_the_web_is_not_asked(self):
        env = self.env(http_proxy="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9", grpc_proxy="http://127.0.0.1:9")
        self.cli("status", address="127.0.0.1:%d" % self.port, env=env)

    def test_the_default_sockets_are_tried_in_order(self):
        folder = os.path.join(self.folder, "okta-connector")
        os.mkdir(folder)
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(os.path.join(folder, "admin.sock"))
        os.symlink(self.path, os.path.join(folder, "reader.sock"))
        out, _ = self.cli(argv=[CLIENT, "status"], env=self.env(XDG_RUNTIME_DIR=self.folder))
        self.assertIn("reader.sock", out)
        self.cli(argv=[CLIENT, "status"], env=self.env(OKTA_CONNECTOR_SERVER=self.path))
        self.assertIn("OKTA_CONNECTOR_SERVER", self.cli(argv=[CLIENT, "status"], env=self.env(XDG_RUNTIME_DIR="/nowhere"), status=4)[1])

    def test_words_that_are_wrong_are_answered_with_what_is_right(self):
        self.assertIn("did you mean 'status'", self.cli("statsu", status=2)[1])
        self.assertIn("--check", self.cli("configure", "--chekc", status=2)[1])
        self.assertIn("one word too many", self.cli("status", "a", "b", status=2)[1])
        self.assertIn("completion wants a word more", self.cli("completion", status=2)[1])
        self.assertIn("bash, zsh or fish", self.cli("completion", "tcsh", status=2)[1])
        self.assertIn("no command 'nothing'", self.cli("help", "nothing", status=2)[1])
        self.cli("status", "-o", "xml", status=2)
        self.cli("--timeout", "soon", "status", status=2)
        self.assertEqual(self.fake.requests, [])

    def test_help_is_there_for_all(self):
        for name in ["configure", "reconnect", "status", "sync", "logins", "users", "delete", "probe", "doctor", "completion", "version", "help"]:
            self.assertIn("Usage: okta-connector " + name, self.cli("help", name)[0])
            self.assertEqual(self.cli(name, "--help")[0], self.cli("help", name)[0])
        self.assertIn("Exit codes", self.cli("help")[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
