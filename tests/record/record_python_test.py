"""Decodes with Python's protobuf what record_dump wrote: every message, by a reader nobody here wrote.

record_python_test.py FOLDER: FOLDER holds the generated modules and record_dump's files."""

import math
import sys

sys.path.insert(0, sys.argv[1])

from google.protobuf import json_format  # noqa: E402
from okta.connector.v1 import connector_pb2, directory_pb2, login_pb2  # noqa: E402


def read(name):
    with open(sys.argv[1] + "/" + name, "rb") as file:
        return file.read()


def check(condition, what):
    if not condition:
        sys.exit("FAILED: " + what)


def strings_of(message):
    """Every string in it; Python refuses what is no UTF-8 when it decodes."""
    for field, value in message.ListFields():
        if field.message_type and field.message_type.GetOptions().map_entry:
            for key, inner in value.items():
                yield key
                yield from strings_of(inner)
            continue
        for one in value if field.label == field.LABEL_REPEATED else [value]:
            if field.type == field.TYPE_MESSAGE:
                yield from strings_of(one)
            elif field.type == field.TYPE_STRING:
                yield one


def check_login(outcome, name, login):
    check(login.sequence != 0, name + ": sequence")
    check(login.catalogue_version == 1, name + ": catalogue_version")
    check(login.uuid, name + ": uuid")
    check(login.kind != login_pb2.LOGIN_KIND_UNSPECIFIED, name + ": kind")
    check(login.result != login_pb2.LOGIN_RESULT_UNSPECIFIED, name + ": result")
    check((outcome == "unparsed") == (login.kind == login_pb2.LOGIN_KIND_UNPARSED), name + ": unparsed")
    check((outcome == "unparsed") == bool(login.raw), name + ": raw")
    check(len(login.raw) <= 65536, name + ": length of raw")
    check(outcome == "unparsed" or login.HasField("actor"), name + ": actor")
    check(login.late == login.HasField("published"), name + ": late")
    if login.late:
        check(login.delay.ToMilliseconds() == 90001, name + ": delay")
        check(login.published.ToMilliseconds() == 1773480413589, name + ": published")
    for text in strings_of(login):
        check("\0" not in text, name + ": a NUL")
    check(json_format.Parse(json_format.MessageToJson(login), login_pb2.LoginEvent()) == login, name + ": JSON")


def check_logins():
    lines = [line.split("\t") for line in read("names").decode().splitlines()]
    expected = [line for line in lines if line[0] != "other"]
    logins = connector_pb2.StreamLoginsResponse.FromString(read("logins")).logins
    check(len(expected) > 100, "enough elements")
    check(len(logins) == len(expected), "%d of %d decoded" % (len(logins), len(expected)))
    for (outcome, name), login in zip(expected, logins):
        check_login(outcome, name, login)
    good = [login.uuid for login in logins if login.uuid.startswith("good-")]
    check(good == ["good-1", "good-2"] * (len(good) // 2) and len(good) * 3 == len(lines) * 2, "neighbours in order")
    messages = [login.display_message for login in logins]
    check("admin\ufffdevil" in messages, "a replaced NUL")
    return len(logins)


def check_users():
    users = directory_pb2.ListUsersResponse.FromString(read("users")).users
    check([user.id for user in users] == ["00u1", "00u2", "00u3"], "users in order")
    check(users[0].profile.first_name == "\u00c5sa\ufffd", "a name")
    custom = json_format.MessageToDict(users[0].profile.custom)
    check(custom == {"card": 42.0, "tags": ["x", True, None, {"deep": [1.5]}]}, "custom attributes")
    check(math.isclose(users[0].created.seconds, 1762071245), "created")
    check(json_format.MessageToDict(users[2].profile.custom) == {"k\ufffd": "v\ufffd"}, "a replaced key")
    return len(users)


# A line a case, as unittest prints them.
print("%d login events are decoded ... ok" % check_logins())
print("%d users are decoded ... ok" % check_users())
