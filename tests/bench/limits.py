"""Whether the memory limit of the Kubernetes manifests is enough, and what the requests should be: the image in a container with
that very limit reads a large org, and eight readers read all of it, at once and again.

    limits.py        as root, with runc; OKTA_CONNECTORD, OKTA_CONNECTOR and OKTA_EMULATOR say where the programs are"""

import glob
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "package")]

import yaml  # noqa: E402

import harness  # noqa: E402
from container import UID, Container, can_run, make_image, packaging, unpack  # noqa: E402
from harness import eventually  # noqa: E402

EVENTS, USERS, READERS, IDLE_S = 200000, 50000, 8, 10


class Limits(harness.Case):
    def runTest(self):
        pass


def manifest_limit():
    with open(packaging("kubernetes/okta-connector.yaml")) as f:
        pod = next(d for d in yaml.safe_load_all(f) if d["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    return int(re.fullmatch("([0-9]+)Mi", pod["initContainers"][0]["resources"]["limits"]["memory"]).group(1))


def cgroup_file(name, *choices):
    """Of a container's cgroup, of either version of cgroups."""
    for choice in choices:
        found = glob.glob("/sys/fs/cgroup/memory/%s/%s" % (name, choice)) + glob.glob("/sys/fs/cgroup/%s/%s" % (name, choice))
        if found:
            with open(found[0]) as f:
                return f.read()
    raise AssertionError("no cgroup file %s of %s" % (choices, name))


def kills(name):
    return int(re.search(r"oom_kill (\d+)", cgroup_file(name, "memory.oom_control", "memory.events")).group(1))


def anonymous_mb(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1)) / 1024


def processor_s(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Peak:
    """The most anonymous memory at any look."""

    def __init__(self, pid):
        self.pid, self.mb = pid, 0

    def look(self):
        self.mb = max(self.mb, anonymous_mb(self.pid))


def until_done(case, peak, *command_lines):
    """Runs them at once, and looks at the memory until the last has ended."""
    children = [subprocess.Popen([harness.CLIENT, "--server"] + argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL) for argv in command_lines]
    for child in children:
        case.addCleanup(child.kill)
    while any(child.poll() is None for child in children):
        peak.look()
        time.sleep(0.1)
    if any(child.returncode for child in children):
        raise AssertionError("a command failed")


def measure(case, limit_mb):
    org = case.emulator(users=USERS, history_events=EVENTS, history_days=30, login_every="100ms", logs_limit=100000)
    bundle = unpack(make_image(os.path.join(case.folder, "image.tar")), case.folder)
    volume, token = os.path.join(case.folder, "volume"), case.token_file()
    os.mkdir(volume)
    os.chmod(case.folder, 0o711)
    for path in (volume, token):
        os.chown(path, UID, UID)
    box = Container(case, bundle, ["--allow-http-loopback-org", "--org", org.url, "--name", "acme", "--token-file", "/token"],
                    [("/var/lib/okta-connector", volume, "rw"), ("/token", token, "ro")], memory_bytes=limit_mb << 20)
    box.wait_until_up()
    address, peak = "unix:" + os.path.join(volume, "run", "admin.sock"), Peak(box.pid())

    eventually("Okta has answered", lambda: '"org_id"' in box.exec("okta-connector", "status", "-o", "json"))
    until_done(case, peak, [address, "sync", "acme", "--history"])
    synced_mb = peak.mb
    for _ in range(2):
        until_done(case, peak, *[[address, "logins", "acme", "--from-beginning", "-o", "jsonl"]] * READERS)
    before = processor_s(peak.pid)
    time.sleep(IDLE_S)
    idle = (processor_s(peak.pid) - before) / IDLE_S
    print("bench limits limit_mb=%d oom_kills=%d events=%d users=%d readers=%d peak_anon_mb=%.1f of_which_sync=%.1f "
          "after_anon_mb=%.1f following_cpu_millicores=%.0f" %
          (limit_mb, kills(box.name), EVENTS, USERS, READERS, peak.mb, synced_mb, anonymous_mb(peak.pid), idle * 1000), flush=True)
    return kills(box.name) == 0 and peak.mb < limit_mb / 2


def main():
    may, why = can_run()
    if not may:
        sys.exit("limits.py: " + why)
    case = Limits()
    case.setUp()
    try:
        sys.exit(0 if measure(case, manifest_limit()) else 1)
    finally:
        case.doCleanups()


if __name__ == "__main__":
    main()
