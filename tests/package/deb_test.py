"""The .deb: what is in it; and its life on a clean Debian that systemd runs: installed, upgraded, removed, purged."""

import glob
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness
from container import no_cgroups, no_namespaces
from harness import ROOT, eventually

PACKAGING = os.path.join(ROOT, "bazel", "packaging")
DEB = os.path.join(PACKAGING, "okta-connector.deb")
UNIT = "okta-connectord.service"
CONFIG = "/etc/okta-connector/config.yaml"


def run(*argv, status=0, **more):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
                          **more)
    if status is not None and done.returncode != status:
        raise AssertionError("%s\nexit %d\n%s" % (argv, done.returncode, done.stdout[-4000:]))
    return done.stdout


def file_sum(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


class Package(harness.Case):
    """Of the file alone."""

    def unpack(self):
        root = os.path.join(self.folder, "root")
        run("dpkg-deb", "-R", DEB, root)
        return root

    def test_it_has_the_servers_own_version(self):
        told = run(harness.SERVER, "--version").split()[1]
        self.assertEqual(run("dpkg-deb", "-f", DEB, "Version").strip(), told)
        changes = os.path.join(self.unpack(), "usr/share/doc/okta-connector/changelog.gz")
        self.assertIn("okta-connector (%s) " % told, run("zcat", changes))

    def test_lintian_has_nothing_to_say(self):
        self.assertEqual(run("lintian", "--allow-root", "--fail-on", "error,warning", DEB).strip(), "")

    def test_made_again_it_is_the_same(self):
        """In another place, at another time, for another user's habits."""
        with open(os.path.join(PACKAGING, "deb.command")) as f:
            command = f.read()
        again = os.path.join(self.folder, "again.deb")
        run("bash", "-c", command.replace("@OUT@", again), cwd=ROOT, umask=0o077,
            env=dict(os.environ, TZ="Pacific/Chatham", LANG="C.UTF-8", SOURCE_DATE_EPOCH="1"))
        self.assertEqual(file_sum(DEB), file_sum(again))

    def test_it_brings_every_message(self):
        """A client is made from what is installed."""
        there = os.path.join(self.unpack(), "usr/share/okta-connector/proto/okta/connector/v1")
        self.assertEqual(set(os.listdir(there)),
                         {name.replace("_pb2.py", ".proto") for name in os.listdir(os.path.join(ROOT, "tests/e2e/py/okta/connector/v1"))
                          if name.endswith("_pb2.py")})

    def test_the_units_sandbox_is_tight(self):
        """systemd's own judgement: 10 is bare, and what is left is the network and that callers have names."""
        unit = os.path.join(self.unpack(), "lib/systemd/system", UNIT)
        run("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=15", unit)


class Machine:
    """A clean Debian, from the mirror that this machine's apt uses, booted by systemd in a container."""

    def __init__(self, folder):
        self.root = os.path.join(folder, "machine")
        self.log = os.path.join(folder, "machine.log")
        self.sources = run("apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages",
                           "Origin: Debian")
        self.nspawn = self.leader = None

    def make(self):
        path = os.path.join(os.path.dirname(self.root), "sources.list")
        with open(path, "w") as f:
            f.write("".join(line + "\n" for line in sorted(set(self.sources.splitlines())) if "bookworm" in line))
        proxies = [line for line in run("apt-config", "dump").splitlines() if re.match("Acquire::https?::Proxy", line)]
        run("mmdebstrap", "--quiet", "--variant=apt", "--include=systemd", "--dpkgopt=force-unsafe-io",
            "--aptopt=APT::Install-Recommends \"0\"", *["--aptopt=" + line.rstrip(";") for line in proxies],
            # Its package lists are used again.
            "--skip=cleanup/apt/lists", "bookworm", self.root, path)

    def boot(self):
        self.nspawn = harness.Process(["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--machine=okta-connector",
                                       "--directory", self.root], self.log)

        def is_up():
            if self.nspawn.child.poll() is not None:
                raise AssertionError("it does not boot:\n" + self.nspawn.text())
            children = run("pgrep", "-P", str(self.nspawn.child.pid), status=None).split()
            self.leader = children[0] if children else None
            return self.leader and self("systemctl", "is-system-running", status=None).strip() in ("running", "degraded")

        eventually("systemd is up", is_up)

    def __call__(self, *argv, status=0):
        return run("nsenter", "--all", "--target", self.leader, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C",
                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *argv, status=status)

    def apt(self, *arguments):
        # Where nobody can be asked, the administrator's file is kept.
        return self("apt-get", "-y", "-o", "Dpkg::Use-Pty=0", "-o", "Dpkg::Options::=--force-confold", *arguments)

    def show(self, what):
        return self("systemctl", "show", "-P", what, UNIT).strip()

    def has_process(self, name):
        return name in self("sh", "-c", "cat /proc/[0-9]*/comm", status=None).split()

    def path(self, inside):
        return self.root + inside

    def halt(self):
        if self.nspawn is None:
            return
        if self.leader and self.nspawn.child.poll() is None:
            # To systemd: power off.
            os.kill(int(self.leader), signal.SIGRTMIN + 4)
            try:
                self.nspawn.child.wait(30)
            except subprocess.TimeoutExpired:
                pass
        if self.nspawn.child.poll() is None:
            self.nspawn.child.kill()
            self.nspawn.child.wait()
        self.nspawn.out.close()


class Life(harness.Case):
    @classmethod
    def setUpClass(cls):
        if os.getuid() != 0:
            raise unittest.SkipTest("only root can make a machine to install on")
        if not all(shutil.which(tool) for tool in ("mmdebstrap", "systemd-nspawn")):
            raise unittest.SkipTest("mmdebstrap or systemd-nspawn is missing")
        why = no_cgroups() or no_namespaces()
        if why is not None:
            raise unittest.SkipTest("no machine can be booted: " + why)
        holder = tempfile.TemporaryDirectory(prefix="od", dir="/tmp")
        cls.addClassCleanup(holder.cleanup)
        cls.machine = Machine(holder.name)
        if not cls.machine.sources.strip():
            raise unittest.SkipTest("apt has no lists of Debian's packages: apt-get update")
        cls.machine.make()
        cls.addClassCleanup(cls.machine.halt)
        cls.machine.boot()

    def successor(self, name, version):
        """The package as a later version would be: its conffile is another as well."""
        root, out = os.path.join(self.folder, version), os.path.join(os.path.dirname(self.machine.root), name)
        run("dpkg-deb", "-R", DEB, root)
        for path, old, new in [("DEBIAN/control", r"(?m)^Version: .*", "Version: " + version),
                               (CONFIG[1:], r"\Z", "# A remark of version %s.\n" % version)]:
            with open(os.path.join(root, path)) as f:
                text = f.read()
            with open(os.path.join(root, path), "w") as f:
                f.write(re.sub(old, new, text, count=1))
        run("dpkg-deb", "--root-owner-group", "-Znone", "--build", root, self.machine.path("/root/" + name))
        return "/root/" + name

    def traces(self):
        """What is there of us, by name; logs, caches and dpkg's own memory aside."""
        found = self.machine("find", "/etc", "/lib/systemd", "/run", "/usr", "/var", "-name", "*okta*", "-not", "-path", "/var/log/*",
                             "-not", "-path", "/var/cache/*", "-not", "-path", "/run/log/*")
        return sorted(found.split())

    def answers(self):
        return eventually("it answers", lambda: self.machine("okta-connector", "status", status=None).startswith("okta-connectord "))

    def held(self):
        """The logins that the service holds, by uuid."""
        return set(re.findall(r'"uuid": ?"([^"]+)"', self.machine("okta-connector", "logins", "acme", "--from-beginning", "-o", "jsonl")))

    def test_a_whole_life(self):
        machine, org = self.machine, self.emulator(login_every=0)
        before = self.traces()

        # Installed, it runs: as a user of its own, who may do nothing.
        shutil.copy(DEB, machine.path("/root/first.deb"))
        machine.apt("install", "--no-install-recommends", "/root/first.deb")
        self.assertEqual(machine("systemctl", "is-enabled", UNIT).strip(), "enabled")
        self.answers()
        status = machine("cat", "/proc/%s/status" % machine.show("MainPID"))
        uid = machine("id", "-u", "okta-connector").strip()
        for line in ("Uid:\t%s\t" % uid, "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
            self.assertIn(line, status)
        self.assertEqual(machine("stat", "-c", "%A %U", "/var/lib/okta-connector", "/run/okta-connector").split(),
                         ["drwx------", "okta-connector", "drwxr-xr-x", "okta-connector"])

        # Configured as the file says, it reads an org; a new token is taken without a restart.
        self.write_token(harness.TOKEN)
        with open(machine.path(CONFIG), "a") as f:
            f.write("connectors:\n  - org: %s\n    name: acme\n    token-file: token\nallow-http-loopback-org: true\n" % org.url)
        changed = file_sum(machine.path(CONFIG))
        machine("okta-connectord", "--check-config")
        machine("systemctl", "restart", UNIT)
        self.answers()
        eventually("Okta has answered", lambda: '"org_id"' in machine("okta-connector", "status", "-o", "json"))
        machine("okta-connector", "sync", "acme", "--history")
        held = self.held()
        self.assertEqual(held, {t["uuid"] for t in org.truth()})
        pid = machine.show("MainPID")
        machine("systemctl", "reload", UNIT)
        eventually("it heard", lambda: '"event":"config.reloaded"' in machine("journalctl", "-u", UNIT, "--no-pager", "-o", "cat"))
        self.assertEqual(machine.show("MainPID"), pid)

        # Upgraded, it is the new one that runs, on the same data, and as the administrator had set it.
        machine.apt("install", self.successor("second.deb", "99.0.0"))
        self.answers()
        self.assertNotEqual(machine.show("MainPID"), pid)
        self.assertEqual(file_sum(machine.path(CONFIG)), changed)
        self.assertEqual(self.held(), held)
        # What was switched off stays so.
        machine("systemctl", "disable", "--now", UNIT)
        machine.apt("install", self.successor("third.deb", "99.0.1"))
        self.assertEqual(machine("systemctl", "is-enabled", UNIT, status=1).strip(), "disabled")
        machine("systemctl", "enable", "--now", UNIT)
        self.answers()

        # Removed, its data and its configuration stay.
        machine.apt("remove", "okta-connector")
        self.assertFalse(machine.has_process("okta-connectord"))
        self.assertEqual(file_sum(machine.path(CONFIG)), changed)
        machine.apt("install", "--no-install-recommends", "/root/first.deb")
        self.answers()
        self.assertEqual(self.held(), held)

        # Purged, nothing stays but what the administrator made, and the name of a user who owns nothing.
        machine.apt("purge", "okta-connector")
        self.assertFalse(machine.has_process("okta-connectord"))
        self.assertEqual(set(self.traces()) - set(before), {"/etc/okta-connector"})
        self.assertEqual(os.listdir(machine.path("/etc/okta-connector")), ["token"])
        self.assertEqual(machine("systemctl", "--failed", "--no-legend", "--plain").strip(), "")

    def write_token(self, token):
        """As the README has it."""
        with open(self.machine.path("/root/token"), "w") as f:
            f.write(token + "\n")
        self.machine("install", "-D", "-o", "okta-connector", "-m", "0600", "/root/token", "/etc/okta-connector/token")


if __name__ == "__main__":
    harness.main()
