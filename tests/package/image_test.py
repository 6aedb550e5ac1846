"""The image: what others read of it, what is in it, and the container that runc makes of it, which reads an emulated org."""

import glob
import hashlib
import json
import os
import stat
import tempfile
import unittest

import harness
from container import PACKAGING, UID, Container, can_run, make_image, output_of, unpack
from harness import eventually


def version():
    with open(os.path.join(PACKAGING, "version")) as f:
        return f.read().strip()


class Image(harness.Case):
    @classmethod
    def setUpClass(cls):
        """Unpacked by umoci, as a runtime is given it."""
        holder = tempfile.TemporaryDirectory(prefix="oi", dir="/tmp")
        cls.addClassCleanup(holder.cleanup)
        cls.image = make_image(os.path.join(holder.name, "image.tar"))
        cls.bundle = unpack(cls.image, holder.name)

    def test_two_strangers_read_the_same_of_it(self):
        for kind in ("oci-archive", "docker-archive"):
            seen = json.loads(output_of("skopeo", "inspect", "%s:%s" % (kind, self.image)))
            self.assertEqual(seen["Labels"]["org.opencontainers.image.version"], version(), kind)
            self.assertEqual(seen["Architecture"], output_of("dpkg", "--print-architecture").strip())
        config = json.loads(output_of("skopeo", "inspect", "--config", "oci-archive:" + self.image))["config"]
        self.assertEqual(config["User"], "%d:%d" % (UID, UID), "numeric, so that runAsNonRoot can tell")
        self.assertEqual(config["Entrypoint"], ["/usr/sbin/okta-connectord"])
        self.assertEqual(config["Volumes"], {"/var/lib/okta-connector": {}})
        self.assertEqual(config["StopSignal"], "SIGTERM")

    def test_made_again_it_is_the_same(self):
        """In another place, at another time, for another user's habits."""
        again = make_image(os.path.join(self.folder, "again.tar"), cwd=self.folder, umask=0o077,
                           env=dict(os.environ, TZ="Pacific/Chatham", LANG="C.UTF-8"))
        sums = []
        for path in (self.image, again):
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

    @unittest.skipUnless(*can_run())
    def test_with_one_volume_it_runs_and_reads_an_org(self):
        org = self.emulator(login_every=0)
        token = self.token_file()
        os.chown(token, UID, UID)
        volume = os.path.join(self.folder, "volume")
        os.mkdir(volume)
        os.chown(volume, UID, UID)
        box = Container(self, self.bundle, ["--allow-http-loopback-org", "--org", org.url, "--name", "acme", "--token-file", "/token"],
                        [("/var/lib/okta-connector", volume, "rw"), ("/token", token, "ro")])
        box.wait_until_up()
        connector = "okta-connector"
        eventually("it knows the org", lambda: '"org_id"' in box.exec(connector, "status", "-o", "json"))
        box.exec(connector, "sync", "acme", "--history")
        seen = [json.loads(line) for line in box.exec(connector, "logins", "acme", "--from-beginning", "-o", "jsonl").splitlines()]
        self.assert_exactly_once(seen, org.truth(), org.truth())
        self.assertIn("/bin/sh", box.exec("/bin/sh", status=255), "nobody gets a shell")
        with open("/proc/%d/status" % box.pid()) as f:
            status = f.read()
        for line in ("Uid:\t%d\t" % UID, "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "NoNewPrivs:\t1"):
            self.assertIn(line, status)
        self.assertEqual(box.end(), 0, box.text())
        self.assertIn('"event":"stop"', box.text())


if __name__ == "__main__":
    harness.main()
