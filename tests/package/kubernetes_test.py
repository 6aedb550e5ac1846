"""The manifests: what they say, and the pod that they describe, run container by container as a kubelet would."""

import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

import yaml

import harness
from container import PACKAGING, UID, Container, can_run, make_image, unpack
from harness import ROOT, eventually

MANIFEST = os.path.join(PACKAGING, "kubernetes", "okta-connector.yaml")
FOLLOW = os.path.join(PACKAGING, "kubernetes", "follow.py")
NEXT = "00theNextTokenThatOktaTakes0123456789abcde"
BACKEND_UID = 10001


def version():
    with open(os.path.join(PACKAGING, "version")) as f:
        return f.read().strip()


def documents():
    with open(MANIFEST) as f:
        return {d["kind"]: d for d in yaml.safe_load_all(f.read().replace("@VERSION@", version()))}


def duration_s(text):
    return int(re.fullmatch("([0-9]+)s", text).group(1))


class Manifest(unittest.TestCase):
    """What it says."""

    def setUp(self):
        self.of = documents()
        self.pod = self.of["StatefulSet"]["spec"]["template"]["spec"]
        self.sidecar, = self.pod["initContainers"]
        self.backend, = self.pod["containers"]
        self.config = yaml.safe_load(self.of["ConfigMap"]["data"]["config.yaml"])

    def test_its_objects_belong_together(self):
        self.assertEqual({(d["apiVersion"], kind) for kind, d in self.of.items()},
                         {("v1", "ConfigMap"), ("v1", "Secret"), ("apps/v1", "StatefulSet")})
        spec = self.of["StatefulSet"]["spec"]
        labels = spec["template"]["metadata"]["labels"].items()
        self.assertLessEqual(spec["selector"]["matchLabels"].items(), labels)
        sources = {v["name"]: v for v in self.pod["volumes"]}
        self.assertEqual(sources["config"]["configMap"]["name"], self.of["ConfigMap"]["metadata"]["name"])
        self.assertEqual(sources["secret"]["secret"]["secretName"], self.of["Secret"]["metadata"]["name"])
        volumes = set(sources) | {c["metadata"]["name"] for c in spec["volumeClaimTemplates"]}
        mounted = {m["name"] for c in (self.sidecar, self.backend) for m in c["volumeMounts"]}
        self.assertEqual(mounted, volumes, "each volume is mounted, and each mount is of one")

    def test_it_is_a_native_sidecar(self):
        self.assertEqual(self.sidecar["restartPolicy"], "Always")
        self.assertEqual(self.of["StatefulSet"]["spec"]["replicas"], 1)
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            command = self.sidecar[probe]["exec"]["command"]
            self.assertEqual(command[:2], ["okta-connector", "probe"], probe)
            self.assertNotIn("upstream", " ".join(command), "an outage of Okta's takes no pod away")
            # It says why itself, before kubelet ends it.
            self.assertLess(duration_s(command[command.index("--timeout") + 1]), self.sidecar[probe]["timeoutSeconds"])

    def test_its_version_is_the_servers(self):
        self.assertEqual(self.sidecar["image"].rsplit(":", 1)[1],
                         subprocess.run([harness.SERVER, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[1])

    def test_nothing_may_more_than_it_needs(self):
        self.assertFalse(self.pod["automountServiceAccountToken"])
        self.assertTrue(self.pod["securityContext"]["runAsNonRoot"])
        self.assertEqual(self.pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        for container in (self.sidecar, self.backend):
            may = container["securityContext"]
            self.assertGreater(may["runAsUser"], 0)
            self.assertFalse(may["allowPrivilegeEscalation"])
            self.assertTrue(may["readOnlyRootFilesystem"])
            self.assertEqual(may["capabilities"], {"drop": ["ALL"]})
            self.assertIn("memory", container["resources"]["limits"])
        self.assertEqual(self.sidecar["securityContext"]["runAsUser"], UID)
        self.assertNotEqual(self.backend["securityContext"]["runAsUser"], UID, "the admin socket is not the backend's")

    def test_mounts_are_where_flags_look(self):
        at = {m["mountPath"]: m for m in self.sidecar["volumeMounts"]}
        self.assertIn(self.config["data-dir"], at)
        folder, key = os.path.split(self.config["connectors"][0]["token-file"])
        self.assertEqual(at[folder]["name"], "secret")
        # By subPath a mounted secret stays what it was.
        self.assertNotIn("subPath", at[folder])
        self.assertIn(key, self.of["Secret"]["stringData"])
        sockets = {one.split("=")[0]: one.split("=")[1] for one in self.config["listen"]}
        for container, role in ((self.sidecar, "admin"), (self.backend, "reader")):
            asked = next(e["value"] for e in container["env"] if e["name"] == "OKTA_CONNECTOR_SERVER")
            self.assertEqual(asked, sockets[role])
            mount, = [m for m in container["volumeMounts"] if m["name"] == "sockets"]
            self.assertEqual(mount["mountPath"], os.path.dirname(asked[len("unix:"):]))
            self.assertNotIn("subPath", mount)
        self.assertEqual(self.config["reader-gid"], self.pod["securityContext"]["fsGroup"])

    def test_there_is_time_to_drain(self):
        help_text = subprocess.run([harness.SERVER, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
        drain_ms = int(re.search(r"--drain-ms.*?default (\d+)", help_text, re.S).group(1))
        self.assertGreater(self.pod["terminationGracePeriodSeconds"], 2 * drain_ms / 1000)
        self.assertNotIn("drain-ms", self.config)


@unittest.skipUnless(*can_run())
class Pod(harness.Case):
    """What it does."""

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="ok", dir="/tmp")
        cls.addClassCleanup(holder.cleanup)
        cls.bundle = unpack(make_image(os.path.join(holder.name, "image.tar")), holder.name)

    def setUp(self):
        super().setUp()
        self.of = documents()
        self.spec = self.of["StatefulSet"]["spec"]["template"]["spec"]
        self.sidecar, self.backend = self.spec["initContainers"][0], self.spec["containers"][0]
        self.gid = self.spec["securityContext"]["fsGroup"]
        # The containers' users pass through it.
        os.chmod(self.folder, 0o711)

    def volume(self, name, mode=0o2770):
        """As kubelet gives one: root's, and the pod's group may write."""
        path = os.path.join(self.folder, name)
        os.mkdir(path)
        os.chown(path, 0, self.gid)
        os.chmod(path, mode)
        return path

    def put_secret(self, token):
        """As kubelet does: a new folder, and then one link that is another all at once."""
        self.keep_secret(token)
        new = os.path.join(self.secret, "..%d" % len(os.listdir(self.secret)))
        os.mkdir(new)
        path = os.path.join(new, "token")
        with open(path, "w") as f:
            f.write(token + "\n")
        self.secret_files |= {path, os.path.join(self.secret, "token")}
        for one, mode in ((new, 0o755), (path, 0o440)):
            os.chown(one, 0, self.gid)
            os.chmod(one, mode)
        os.symlink(os.path.basename(new), os.path.join(self.secret, "..data_tmp"))
        os.rename(os.path.join(self.secret, "..data_tmp"), os.path.join(self.secret, "..data"))

    def prepare(self, org):
        config = os.path.join(self.folder, "config.yaml")
        text = self.of["ConfigMap"]["data"]["config.yaml"]
        self.assertIn("- org: acme ", text)
        with open(config, "w") as f:
            # What has to be changed for an org on loopback; and a port that is surely free.
            f.write(text.replace("- org: acme ", "- name: acme\n    org: %s " % org.url).replace(":9090", ":0"))
        os.chmod(config, 0o644)
        self.secret = self.volume("secret", 0o755)
        os.symlink("..data/token", os.path.join(self.secret, "token"))
        self.put_secret(harness.TOKEN)
        self.volumes = {"config": config, "secret": self.secret, "sockets": self.volume("sockets", 0o2777),
                        "data": self.volume("data"), "state": self.volume("state")}

    def start_sidecar(self):
        mounts = [(m["mountPath"], self.volumes[m["name"]], "ro" if m.get("readOnly") else "rw") for m in self.sidecar["volumeMounts"]]
        env = ["%s=%s" % (e["name"], e["value"]) for e in self.sidecar["env"]] + ["OKTA_CONNECTOR_ALLOW_HTTP_LOOPBACK_ORG=true"]
        limit = self.sidecar["resources"]["limits"]["memory"]
        self.box = Container(self, self.bundle, self.sidecar.get("args", []), mounts, env, [self.gid],
                             int(re.fullmatch("([0-9]+)Mi", limit).group(1)) << 20)
        eventually("the startup probe succeeds", lambda: self.probe("startupProbe", status=None) is not None)

    def probe(self, which, status=0):
        """Runs a probe as kubelet does; None when it fails and may."""
        done = subprocess.run(self.box.runc + ["exec", self.box.name] + self.sidecar[which]["exec"]["command"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout if done.returncode == 0 else None

    def start_backend(self, out):
        """The example, as its user, with the pod's group."""
        may = self.backend["securityContext"]
        env = {e["name"]: e["value"] for e in self.backend["env"]}
        # Its mounts are folders of this machine here.
        for m in self.backend["volumeMounts"]:
            env = {k: v.replace(m["mountPath"], self.volumes[m["name"]]) for k, v in env.items()}
        stubs = os.path.join(self.folder, "app")
        if not os.path.exists(stubs):
            subprocess.run(["cp", "-rL", os.path.join(ROOT, "tests", "e2e", "py"), stubs], check=True)
            subprocess.run(["cp", "-L", FOLLOW, stubs], check=True)
            subprocess.run(["chmod", "-R", "a+rX", stubs], check=True)
        path = os.path.join(self.folder, out)
        with open(path, "wb") as stdout, open(path + ".err", "wb") as stderr:
            child = subprocess.Popen(
                ["setpriv", "--reuid", str(may["runAsUser"]), "--regid", str(may["runAsGroup"]), "--groups", str(self.gid), "--no-new-privs",
                 "/usr/bin/python3", "-B", os.path.join(stubs, "follow.py")],
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd="/", env=dict(env, PYTHONPATH=stubs, PYTHONUNBUFFERED="1"))

        def end():
            if child.poll() is None:
                child.kill()
            child.wait()

        self.addCleanup(end)
        self.follower = child

    def uuids(self, out):
        if self.follower.poll() not in (None, 0):
            with open(os.path.join(self.folder, out + ".err")) as f:
                raise AssertionError("the backend has ended: " + f.read())
        return [login["uuid"] for login in self.lines_of(out)]

    def test_the_pod_lives_as_it_is_written(self):
        org = self.emulator(history_events=0, login_every="100ms")
        self.prepare(org)
        self.start_sidecar()
        for probe in ("readinessProbe", "livenessProbe"):
            self.probe(probe)
        self.assertNotIn('"level":"error"', self.box.text())
        self.start_backend("first")
        eventually("logins arrive", lambda: len(self.uuids("first")) >= 5)

        # The backend's user may read, and no more.
        done = subprocess.run(["setpriv", "--reuid", str(BACKEND_UID), "--regid", str(BACKEND_UID), "--groups", str(self.gid), harness.CLIENT,
                               "--server", "unix:" + os.path.join(self.volumes["sockets"], "admin.sock"), "status"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0, done.stdout)

        # The secret is another: nothing restarts.
        org.post("/__token?value=" + NEXT)
        self.put_secret(NEXT)
        eventually("the new token is in use", lambda: any(
            e["event"] == "connector.credential" for e in map(json.loads, self.box.text().splitlines())), 90)
        seen = len(self.uuids("first"))
        eventually("logins go on", lambda: len(self.uuids("first")) > seen + 3, 90)

        # The sidecar is restarted in its pod; the backend stays and goes on by itself.
        self.assertEqual(self.box.end(), 0, self.box.text())
        self.start_sidecar()
        seen = len(self.uuids("first"))
        eventually("logins go on after a restart", lambda: len(self.uuids("first")) > seen + 3, 90)

        # The backend is restarted, and goes on from its token. By SIGINT in the middle of what it does.
        self.follower.send_signal(signal.SIGINT)
        self.follower.wait(30)
        self.start_backend("second")
        org.post("/__stop-logins")
        wanted = {t["uuid"] for t in org.truth()}
        eventually("all have come", lambda: wanted <= set(self.uuids("first") + self.uuids("second")), 90)
        both = self.uuids("first") + self.uuids("second")
        # What was handled when it was interrupted, and its token not yet kept, comes again: one message at most.
        self.assertEqual(len(self.uuids("first")), len(set(self.uuids("first"))))
        self.assertEqual(len(self.uuids("second")), len(set(self.uuids("second"))))
        self.assertEqual((wanted - set(both), set(both) - {t["uuid"] for t in org.truth()}), (set(), set()))
        self.assertEqual(self.box.end(), 0, self.box.text())


if __name__ == "__main__":
    harness.main()
