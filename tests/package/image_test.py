"""The image: what others read of it, what is in it, and the container that runc makes of it, which reads an emulated org."""

import glob
import hashlib
import json
import os
import shutil
import stat
import subprocess
import tempfile
import unittest

import harness
from harness import ROOT, eventually

PACKAGING = os.path.join(ROOT, "bazel", "packaging")
IMAGE = os.path.join(PACKAGING, "okta-connector.oci.tar")
UID = 65532


def output_of(*argv, **more):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
                          timeout=120, **more).stdout


def version():
    with open(os.path.join(PACKAGING, "version")) as f:
        return f.read().strip()


class Image(harness.Case):
    @classmethod
    def setUpClass(cls):
        """Unpacked by umoci, as a runtime is given it."""
        holder = tempfile.TemporaryDirectory(prefix="oi", dir="/tmp")
        cls.addClassCleanup(holder.cleanup)
        layout, cls.bundle = os.path.join(holder.name, "layout"), os.path.join(holder.name, "bundle")
        output_of("skopeo", "copy", "-q", "oci-archive:" + IMAGE, "oci:%s:it" % layout)
        output_of("umoci", "unpack", *([] if os.getuid() == 0 else ["--rootless"]), "--image", layout + ":it", cls.bundle)

    def test_two_strangers_read_the_same_of_it(self):
        for kind in ("oci-archive", "docker-archive"):
            seen = json.loads(output_of("skopeo", "inspect", "%s:%s" % (kind, IMAGE)))
            self.assertEqual(seen["Labels"]["org.opencontainers.image.version"], version(), kind)
            self.assertEqual(seen["Architecture"], output_of("dpkg", "--print-architecture").strip())
        config = json.loads(output_of("skopeo", "inspect", "--config", "oci-archive:" + IMAGE))["config"]
        self.assertEqual(config["User"], "%d:%d" % (UID, UID), "numeric, so that runAsNonRoot can tell")
        self.assertEqual(config["Entrypoint"], ["/usr/sbin/okta-connectord"])
        self.assertEqual(config["Volumes"], {"/var/lib/okta-connector": {}})
        self.assertEqual(config["StopSignal"], "SIGTERM")

    def test_made_again_it_is_the_same(self):
        """In another place, at another time, for another user's habits."""
        arguments = [os.path.join(PACKAGING, name) for name in ("version", "epoch")] + [
            harness.SERVER, harness.CLIENT, os.path.join(PACKAGING, "oci", "config.yaml"), os.path.join(PACKAGING, "deb", "copyright")]
        again = os.path.join(self.folder, "again.tar")
        script = os.path.join(PACKAGING, "oci", "image.py")
        output_of("/usr/bin/python3", "-B", script, again, *map(os.path.realpath, arguments), cwd=self.folder, umask=0o077,
                  env=dict(os.environ, TZ="Pacific/Chatham", LANG="C.UTF-8"))
        sums = []
        for path in (IMAGE, again):
            with open(path, "rb") as f:
                sums.append(hashlib.sha256(f.read()).hexdigest())
        self.assertEqual(*sums)

    def test_nothing_is_in_it_but_what_runs(self):
        root = os.path.join(self.bundle, "rootfs")
        programs, libraries, others = [], [], []
        for folder, _, files in os.walk(root):
            for path in (os.path.join(folder, name) for name in files):
                mode = os.lstat(path).st_mode
                self.assertFalse(mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH), path)
                if stat.S_ISLNK(mode):
                    continue
                place = os.path.relpath(path, root)
                (libraries if ".so" in os.path.basename(place) else programs if mode & 0o111 else others).append(place)
        self.assertEqual(sorted(programs), ["usr/bin/okta-connector", "usr/sbin/okta-connectord"])
        self.assertEqual({p for p in others if not p.startswith(("usr/share/doc/", "var/lib/dpkg/status.d/"))},
                         {"etc/okta-connector/config.yaml", "etc/passwd", "etc/group", "etc/nsswitch.conf", "etc/ssl/certs/ca-certificates.crt"})
        # Each library is loaded by one of the two, and its package can be looked up by who scans for what is known to be bad.
        needed = set()
        for program in programs:
            needed |= {line.split()[0].rsplit("/", 1)[-1] for line in output_of("ldd", os.path.join(root, program)).splitlines()}
        self.assertEqual({os.path.basename(p) for p in libraries}, needed - {"linux-vdso.so.1"})
        for name in glob.glob(os.path.join(root, "var/lib/dpkg/status.d/*")):
            with open(name) as f:
                self.assertIn("\nVersion: ", f.read(), name)
            self.assertTrue(os.path.exists(os.path.join(root, "usr/share/doc", os.path.basename(name), "copyright")), name)

    def test_it_trusts_debians_authorities_alone(self):
        with open(os.path.join(self.bundle, "rootfs/etc/ssl/certs/ca-certificates.crt")) as f:
            self.assertEqual(f.read().count("BEGIN CERTIFICATE"), len(glob.glob("/usr/share/ca-certificates/mozilla/*.crt")))

    def container(self, *arguments, mounts=()):
        """As Kubernetes' restricted profile has it: no capability, no new privileges, a root that cannot be written."""
        bundle, volume = self.bundle, os.path.join(self.folder, "volume")
        os.makedirs(volume, exist_ok=True)
        os.chown(volume, UID, UID)
        path = os.path.join(bundle, "config.json")
        with open(path) as f:
            spec = json.load(f)
        spec["process"].update(terminal=False, capabilities={}, noNewPrivileges=True)
        spec["process"]["args"] += list(arguments)
        spec["root"]["readonly"] = True
        spec["mounts"] = [m for m in spec["mounts"] if m["destination"] in ("/proc", "/dev")] + [
            {"destination": to, "type": "bind", "source": source, "options": ["bind", mode, "nosuid", "nodev", "noexec"]}
            for to, source, mode in [("/var/lib/okta-connector", volume, "rw")] + list(mounts)]
        # The emulated org is on this machine's loopback.
        spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "network"]
        with open(path, "w") as f:
            json.dump(spec, f)
        runc = ["runc", "--root", os.path.join(self.folder, "runc")]
        name = os.path.basename(self.folder)
        run = harness.Process(runc + ["run", "-b", bundle, name], os.path.join(self.folder, "container.log"))

        def end():
            subprocess.run(runc + ["delete", "--force", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            self.end_quietly(run)

        self.addCleanup(end)

        def inside(*argv, status=0):
            done = subprocess.run(runc + ["exec", name] + list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=60)
            if status is not None:
                self.assertEqual(done.returncode, status, "%s\n%s\n%s" % (argv, done.stdout, run.text()))
            return done.stdout

        def is_up():
            self.assertIsNone(run.child.poll(), run.text())
            return '"event":"start"' in run.text()

        eventually("the container's server is up", is_up)
        return run, inside

    @unittest.skipUnless(os.getuid() == 0 and shutil.which("runc"), "only root can run a container here")
    def test_with_one_volume_it_runs_and_reads_an_org(self):
        org = self.emulator(login_every=0)
        token = self.token_file()
        os.chown(token, UID, UID)
        run, inside = self.container("--allow-http-loopback-org", "--org", org.url, "--name", "acme", "--token-file", "/token",
                                     mounts=[("/token", token, "ro")])
        connector = "/usr/bin/okta-connector"
        eventually("it knows the org", lambda: '"org_id"' in inside(connector, "status", "-o", "json"))
        inside(connector, "sync", "acme", "--history")
        seen = [json.loads(line) for line in inside(connector, "logins", "acme", "--from-beginning", "-o", "jsonl").splitlines()]
        self.assert_exactly_once(seen, org.truth(), org.truth())
        self.assertIn("no such file", inside("/bin/sh", status=None), "nobody gets a shell")
        status = output_of("cat", "/proc/%s/status" % output_of(
            "pgrep", "-P", str(run.child.pid), "-f", "okta-connectord").split()[0])
        for line in ("Uid:\t%d\t" % UID, "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "NoNewPrivs:\t1"):
            self.assertIn(line, status)
        # runc passes it on.
        self.assertEqual(run.end(), 0, run.text())
        self.assertIn('"event":"stop"', run.text())


if __name__ == "__main__":
    harness.main()
