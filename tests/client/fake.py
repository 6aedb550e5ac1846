"""A stand-in for the server: it holds what a test puts in, breaks when a test says so, and remembers what was asked."""

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from concurrent import futures

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT = os.path.join(os.path.dirname(os.path.dirname(HERE)), "client", "okta-connector")
sys.path.insert(0, os.path.join(HERE, "py"))

import grpc
from google.protobuf import duration_pb2
from okta.connector.v1 import connector_pb2 as pb
from okta.connector.v1 import connector_pb2_grpc as rpc
from okta.connector.v1 import directory_pb2 as dpb
from okta.connector.v1 import directory_pb2_grpc as drpc
from okta.connector.v1 import login_pb2

WAIT_S = 30
TOKEN = "00fakeTokenThatIsNotReal0123456789abcdefgh"

# The frame of a private key; what is in it is for the server to look at.
KEY = "-----BEGIN PRIVATE KEY-----\nTm90QVJlYWxLZXlTb05vdGhpbmdJc1NlY3JldEhlcmU=\n-----END PRIVATE KEY-----\n"


def eventually(what, check):
    """The first true value of check(), asked again and again; fails with `what` when time is up."""
    end = time.monotonic() + WAIT_S
    while not (value := check()):
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (WAIT_S, what))
        time.sleep(0.02)
    return value


def field(number, data):
    """A length-delimited protobuf field of up to 16 kB."""
    head = [number << 3 | 2]
    size = len(data)
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes(head + [size]) + data


def retry_info(seconds):
    """A google.rpc.RetryInfo."""
    return field(1, duration_pb2.Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9)).SerializeToString())


def fail(context, code, text, reason=None, domain="okta.connector.v1", **details):
    """Ends the call, with a google.rpc.ErrorInfo where a reason is given, and other details: their name and bytes."""
    if reason:
        info = field(1, reason.encode()) + field(2, domain.encode()) + field(3, field(1, b"k") + field(2, b"v"))
        status = bytes([8, code.value[0]]) + field(2, text.encode())
        for name, data in dict({"ErrorInfo": info}, **details).items():
            status += field(3, field(1, b"type.googleapis.com/google.rpc." + name.encode()) + field(2, data))
        context.set_trailing_metadata((("grpc-status-details-bin", status),))
    context.abort(code, text)


def event(n, **more):
    e = login_pb2.LoginEvent(sequence=10**12 + n, uuid="uuid-%d" % n, event_type="user.session.start",
                             kind=login_pb2.LOGIN_KIND_SESSION_START, result=login_pb2.LOGIN_RESULT_SUCCESS, catalogue_version=1)
    e.published.seconds = 1773480413 + n
    e.actor.alternate_id = "person%d@acme.example" % n
    e.client.ip_address = "192.0.2.%d" % (n % 250)
    e.app.label = "Mail"
    for name, value in more.items():
        setattr(e, name, value)
    return e


class Fake(rpc.ConnectorServicer, drpc.DirectoryServicer):
    """`plans` says, call by call, how StreamLogins is to break: ("hello",) before the first message, ("events", n)
    after n events, ("silent",) says nothing more after its hello."""

    def __init__(self):
        self.events = []
        self.plans = []
        self.requests = []
        self.changed = threading.Condition()
        self.is_over = False
        self.break_details = {}
        self.asked_at = []
        self.history_complete = True
        self.batch = 3
        self.refuse = None
        self.refuse_details = {}
        self.refuse_store = None
        self.permissions = [pb.Permission(collection=pb.COLLECTION_USERS, endpoint="/api/v1/users",
                                          verdict=pb.PERMISSION_VERDICT_WORKS, http_status=200)]
        self.status = pb.StatusResponse(version="9.9.9")
        self.steps = []
        self.users = []
        self.page_loop = False

    def asked(self, kind):
        return [r for r in self.requests if isinstance(r, kind)]

    def note(self, request, context):
        self.requests.append(request)
        self.asked_at.append(time.monotonic())
        if self.refuse:
            fail(context, *self.refuse, **self.refuse_details)

    def add(self, *events):
        with self.changed:
            self.events.extend(events)
            self.changed.notify_all()

    def Configure(self, request, context):
        self.note(request, context)
        if self.refuse_store and not request.validate_only:
            fail(context, *self.refuse_store)
        return pb.ConfigureResponse(name=request.name, org_id="00oFake", org_url="https://acme.okta.com", permissions=self.permissions,
                                    stored=not request.validate_only, created=True, warnings=["a word of warning"])

    def Status(self, request, context):
        self.note(request, context)
        return self.status

    def Sync(self, request, context):
        self.note(request, context)
        yield from self.steps

    def Delete(self, request, context):
        self.note(request, context)
        return pb.DeleteResponse(remaining=["Revoke the token in Okta."], purged=not request.keep_data)

    def ListUsers(self, request, context):
        self.note(request, context)
        at = int(request.page_token or 0)
        rest = at + 2 < len(self.users)
        return dpb.ListUsersResponse(users=self.users[at:at + 2], complete=True,
                                     next_page_token="1" if self.page_loop else str(at + 2) if rest else "")

    def place(self, request):
        """How many events lie before the start."""
        start = request.WhichOneof("start")
        if start == "resume_token":
            return int(request.resume_token[1:])
        if start == "last":
            return max(0, len(self.events) - request.last)
        return 0 if start == "from_beginning" else len(self.events)

    def StreamLogins(self, request, context):
        self.note(request, context)
        plan = self.plans.pop(0) if self.plans else ()
        if plan[:1] == ("hello",):
            context.abort(grpc.StatusCode.UNAVAILABLE, "planned")
        at = start = self.place(request)
        yield pb.StreamLoginsResponse(hello=pb.Hello(version="9.9.9", history_complete=self.history_complete), resume_token="T%d" % at)
        while plan[:1] == ("silent",) and context.is_active() and not self.is_over:
            time.sleep(0.02)
        while not self.is_over and context.is_active():
            with self.changed:
                batch = self.events[at:at + self.batch]
                waits = request.require_complete_history and not self.history_complete
                if (not batch or waits) and request.follow:
                    self.changed.wait(0.05)
            if plan[:1] == ("events",):
                batch = batch[:start + plan[1] - at]
            if request.limit:
                batch = batch[:start + request.limit - at]
            if batch and not waits:
                at += len(batch)
                yield pb.StreamLoginsResponse(logins=batch, resume_token="T%d" % at)
            if plan[:1] == ("events",) and at - start >= plan[1]:
                if len(plan) > 2:
                    self.broke = time.monotonic()
                    fail(context, *plan[2:], **self.break_details)
                context.abort(grpc.StatusCode.UNAVAILABLE, "planned")
            if (not request.follow and at >= len(self.events)) or (request.limit and at - start >= request.limit):
                return


SERVING, NOT_SERVING = 1, 2


class Health(grpc.GenericRpcHandler):
    """grpc.health.v1, by hand: its request is one string, its answer one number. `states` says what is known; `delays`, in
    seconds, how long each answer takes."""

    def __init__(self):
        self.states = {"": SERVING}
        self.delays = []
        self.asked = []

    def service(self, call):
        if call.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(self.check)
        return None

    def check(self, request, context):
        name = request[2:].decode()
        self.asked.append(name)
        if self.delays:
            time.sleep(self.delays.pop(0))
        if name not in self.states:
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no health status for \"%s\"" % name)
        return bytes([8, self.states[name]])


class Cutter(threading.Thread):
    """A socket before the server's, whose connections can be cut in the middle of a message."""

    def __init__(self, path, to):
        super().__init__(daemon=True)
        self.to = to
        self.pairs = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.cut_after = None
        self.cuts = 0
        self.start()

    def run(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.to)
            threading.Thread(target=self.pump, args=(near, far), daemon=True).start()

    def pump(self, near, far):
        passed = 0
        limit = self.cut_after
        try:
            while True:
                for ready in select.select([near, far], [], [])[0]:
                    data = ready.recv(4096)
                    if ready is far and limit is not None:
                        passed += len(data)
                        if passed > limit:
                            self.cuts += 1
                            data = b""
                    if not data:
                        return
                    (far if ready is near else near).sendall(data)
        except OSError:
            pass
        finally:
            near.close()
            far.close()


class Case(unittest.TestCase):
    def setUp(self):
        # A Unix socket's path has at most 107 bytes, and Bazel's folders are long.
        holder = tempfile.TemporaryDirectory(prefix="oc", dir="/tmp")
        self.addCleanup(holder.cleanup)
        self.folder = holder.name
        self.path = os.path.join(self.folder, "s")
        self.address = "unix:" + self.path
        self.fake = Fake()
        self.health = Health()
        self.start()
        self.addCleanup(self.stop)

    def start(self):
        self.fake.is_over = False
        self.server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        rpc.add_ConnectorServicer_to_server(self.fake, self.server)
        drpc.add_DirectoryServicer_to_server(self.fake, self.server)
        self.server.add_generic_rpc_handlers((self.health,))
        self.assertTrue(self.server.add_insecure_port(self.address))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def stop(self):
        self.fake.is_over = True
        self.server.stop(None).wait(WAIT_S)

    def env(self, **more):
        env = {k: v for k, v in os.environ.items() if k not in ("OKTA_CONNECTOR_SERVER", "XDG_RUNTIME_DIR", "NO_COLOR")}
        env.update(TERM="xterm", **more)
        return env

    def argv(self, args, address=None):
        return [CLIENT, "--server", address or self.address] + list(args)

    def cli(self, *args, status=0, address=None, stdin=None, env=None, argv=None):
        """Runs the client to its end: (stdout, stderr)."""
        done = subprocess.run(argv or self.argv(args, address), stdin=subprocess.DEVNULL if stdin is None else None, input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=WAIT_S, env=env or self.env())
        self.assertEqual(done.returncode, status, "%s\n%s\n%s" % (args, done.stdout, done.stderr))
        return done.stdout, done.stderr

    def begin(self, *args, address=None, stdout=None):
        """The client in the background; its output in files `out` and `err`."""
        self.out = os.path.join(self.folder, "out")
        self.err = os.path.join(self.folder, "err")
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            child = subprocess.Popen(self.argv(args, address), stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=err, env=self.env())

        def end():
            if child.poll() is None:
                child.kill()
            child.wait()

        self.addCleanup(end)
        return child

    def read(self, path):
        with open(path) as f:
            return f.read()

    def end(self, child, how=signal.SIGINT):
        child.send_signal(how)
        return child.wait(WAIT_S)

    def token_file(self, text=TOKEN + "\n", mode=0o600):
        path = os.path.join(self.folder, "token")
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def key_file(self, text=KEY, mode=0o600):
        path = os.path.join(self.folder, "key.pem")
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def on_terminal(self, args, answers=(), status=0, columns=100):
        """Runs the client on a terminal of its own and types the answers, each when its prompt has come."""
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.clear()
            os.environ.update(self.env())
            os.execv(CLIENT, self.argv(args))
        import fcntl
        import struct
        import termios
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        seen = b""
        answers = list(answers)
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            if not select.select([fd], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(fd, 4096)
            except OSError:
                break
            if not data:
                break
            seen += data
            if answers and answers[0][0].encode() in seen:
                os.write(fd, answers.pop(0)[1])
        os.close(fd)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), status, seen)
        self.assertEqual(answers, [], seen)
        return seen.decode()
