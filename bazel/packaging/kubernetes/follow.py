"""An example of a backend: follows the logins, and goes on where it stopped, whatever restarts in between.

    OKTA_CONNECTOR_SERVER   unix:/run/okta-connector/reader.sock
    STATE_FILE              keeps the resume token
    CONNECTOR               which connector; may be left out where there is only one

The stubs are made from the connector's .proto files (protoc --python_out --grpc_python_out). A login is handled, then the token
behind it is kept: after a crash in between it comes a second time, with the same uuid, and none is left out."""

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
# What becomes well by waiting: the connector restarts (CANCELLED: a call met its end), or has not heard of Okta yet.
PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED,
           grpc.StatusCode.INTERNAL}
# The token's place is gone: retention has passed it (HISTORY_GONE), or the store is another (STORE_REWOUND).
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
    """Whole or not at all."""
    with open(STATE_FILE + ".new", "w") as f:
        f.write(token)
        f.flush()
        os.fsync(f.fileno())
    os.replace(STATE_FILE + ".new", STATE_FILE)


def handle(login):
    """What your backend does."""
    print(json.dumps(MessageToDict(login)), flush=True)


def follow(stub, token):
    """One stream, to its end. Returns whether it brought anything."""
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
    # It is on this machine and soon back: by itself gRPC would wait up to two minutes between tries.
    channel = grpc.insecure_channel(SERVER, options=[("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 2000)])
    stub = connector_pb2_grpc.ConnectorStub(channel)
    wait_s = 0.1
    while True:
        try:
            if follow(stub, kept_token()):
                wait_s = 0.1
        except grpc.RpcError as error:
            if error.code() in PLACE_GONE and kept_token():
                say("logins may be missing, and others come again: it goes on with the oldest there is. " + error.details())
                keep_token("")
            elif error.code() not in PASSING:
                sys.exit("%s: %s" % (error.code().name, error.details()))
            say("again in a moment: " + error.details())
        time.sleep(wait_s * random.uniform(0.5, 1))
        wait_s = min(wait_s * 2, 5)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
