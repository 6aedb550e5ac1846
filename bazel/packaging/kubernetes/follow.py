"""An example backend: follows the logins, and resumes where it stopped after a restart of either side.

    OKTA_CONNECTOR_SERVER   address of the connector; default unix:/run/okta-connector/reader.sock
    STATE_FILE              file for the resume token; default resume-token
    CONNECTOR               name of the connector; may be empty if the server has only one

The stubs are generated from the connector's .proto files (protoc --python_out --grpc_python_out). Delivery is at least once: a
login is handled first, and the resume token that comes with it is saved afterwards. After a crash in between, the login arrives
again, with the same uuid; none is missed."""

import json
import os
import random
import sys
import time

import grpc
from google.protobuf.json_format import MessageToDict
from okta.connector.v1 import connector_pb2, connector_pb2_grpc

SERVER = os.environ.get("OKTA_CONNECTOR_SERVER", "unix:/run/okta-connector/reader.sock")
STATE_FILE = os.environ.get("STATE_FILE", "resume-token")
CONNECTOR = os.environ.get("CONNECTOR", "")
# Retry these: the connector restarts (CANCELLED: a call was open when the server stopped), or has had no answer from Okta yet.
PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED,
           grpc.StatusCode.INTERNAL}
# The position of the token no longer exists: retention has deleted the events behind it (HISTORY_GONE), or the store has been
# replaced or restored from a backup (STORE_REWOUND).
PLACE_GONE = {grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.FAILED_PRECONDITION}


def say(text):
    print(text, file=sys.stderr, flush=True)


def kept_token():
    try:
        with open(STATE_FILE) as f:
            return f.read()
    except FileNotFoundError:
        return ""


def keep_token(token):
    """Replaces the file atomically, so that a crash leaves either the old token or the new one."""
    with open(STATE_FILE + ".new", "w") as f:
        f.write(token)
        f.flush()
        os.fsync(f.fileno())
    os.replace(STATE_FILE + ".new", STATE_FILE)


def handle(login):
    """Put here what your backend does with a login."""
    print(json.dumps(MessageToDict(login)), flush=True)


def follow(stub, token):
    """Reads one stream to its end. Returns whether any message came."""
    request = connector_pb2.StreamLoginsRequest(name=CONNECTOR, follow=True)
    if token:
        request.resume_token = token
    else:
        request.from_beginning = True
    came = False
    for message in stub.StreamLogins(request):
        came = True
        if message.HasField("notice"):
            say("notice: " + message.notice.text)
        for login in message.logins:
            handle(login)
        if message.resume_token and message.resume_token != token:
            keep_token(message.resume_token)
            token = message.resume_token
    return came


def main():
    # The connector is on the same machine and restarts quickly. gRPC's default back-off would wait up to two minutes.
    channel = grpc.insecure_channel(SERVER, options=[("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 2000)])
    stub = connector_pb2_grpc.ConnectorStub(channel)
    wait_s = 0.1
    while True:
        try:
            if follow(stub, kept_token()):
                wait_s = 0.1
        except grpc.RpcError as error:
            if error.code() in PLACE_GONE and kept_token():
                say("resuming with the oldest login: some may be missing, and others will come again. " + error.details())
                keep_token("")
            elif error.code() not in PASSING:
                sys.exit("%s: %s" % (error.code().name, error.details()))
            say("retrying: " + error.details())
        time.sleep(wait_s * random.uniform(0.5, 1))
        wait_s = min(wait_s * 2, 5)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
