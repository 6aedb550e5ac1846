"""Containers of our image, as Kubernetes' restricted profile has them: no capability, no new privileges, a root that cannot be
written. They share this machine's network, where the emulated org is."""

import glob
import json
import os
import shutil
import subprocess

import harness
from harness import ROOT, eventually

PACKAGING = os.path.join(ROOT, "bazel", "packaging")
UID = 65532


def packaging(name):
    """A file of bazel/packaging: as Bazel laid it out, or, by hand, from the sources."""
    laid = os.path.join(PACKAGING, name)
    return laid if os.path.exists(laid) else os.path.join(os.path.dirname(harness.SOURCES), "bazel", "packaging", name)


def output_of(*argv, **more):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
                          timeout=120, **more).stdout


def no_cgroups():
    """Why no cgroup can be made here, as a sentence; None when one can. Tried, since a container may show the file system read-only,
    empty, or not at all."""
    tops = ["/sys/fs/cgroup", *sorted(glob.glob("/sys/fs/cgroup/*"))]
    for top in tops:
        probe = os.path.join(top, "okta-connector-probe-%d" % os.getpid())
        try:
            os.mkdir(probe)
        except OSError:
            continue
        try:
            if os.path.exists(os.path.join(probe, "cgroup.procs")):
                return None
        finally:
            os.rmdir(probe)
    return "no control group can be made in /sys/fs/cgroup here"


def no_namespaces():
    """Why no namespaces can be made here, as a sentence; None when they can."""
    if shutil.which("unshare") is None:
        return "unshare is missing, which tells whether namespaces can be made here"
    done = subprocess.run(["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "true"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return None if done.returncode == 0 else "no mount and process namespaces can be made here"


def can_run():
    """Whether a container can run here, and why not: for unittest.skipUnless."""
    if os.getuid() != 0 or shutil.which("runc") is None:
        return False, "only root, with runc, can run a container"
    why = no_cgroups() or no_namespaces()
    return why is None, why or ""


def make_image(out, **more):
    """As bazel/package does."""
    files = [packaging("version"), packaging("epoch"), harness.SERVER, harness.CLIENT, packaging("oci/config.yaml"),
             packaging("deb/copyright")]
    output_of("/usr/bin/python3", "-B", packaging("oci/image.py"), out, *map(os.path.realpath, files), **more)
    return out


def unpack(image, folder):
    """What umoci makes of the image: a runtime's bundle."""
    layout, bundle = os.path.join(folder, "layout"), os.path.join(folder, "bundle")
    output_of("skopeo", "copy", "-q", "oci-archive:" + image, "oci:%s:it" % layout)
    output_of("umoci", "unpack", *([] if os.getuid() == 0 else ["--rootless"]), "--image", layout + ":it", bundle)
    return bundle


class Container:
    """Runs a bundle; mounts are (place inside, folder or file, "ro" or "rw")."""

    made = 0

    def __init__(self, case, bundle, arguments=(), mounts=(), env=(), gids=(), memory_bytes=None):
        Container.made += 1
        self.case, self.name = case, "%s-%d" % (os.path.basename(case.folder), Container.made)
        self.runc = ["runc", "--root", os.path.join(case.folder, "runc")]
        # A configuration of its own, on the same root.
        own = os.path.join(case.folder, self.name)
        os.mkdir(own)
        with open(os.path.join(bundle, "config.json")) as f:
            spec = json.load(f)
        spec["root"].update(readonly=True, path=os.path.join(bundle, "rootfs"))
        process = spec["process"]
        process.update(terminal=False, capabilities={}, noNewPrivileges=True)
        process["args"] += list(arguments)
        process["env"] += list(env)
        process["user"]["additionalGids"] = list(gids)
        spec["mounts"] = [m for m in spec["mounts"] if m["destination"] in ("/proc", "/dev")] + [
            {"destination": to, "type": "bind", "source": source, "options": ["rbind", mode, "nosuid", "nodev", "noexec"]}
            for to, source, mode in mounts]
        spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "network"]
        spec["linux"]["cgroupsPath"] = "/" + self.name
        if memory_bytes:
            spec["linux"]["resources"]["memory"] = {"limit": memory_bytes, "swap": memory_bytes}
        with open(os.path.join(own, "config.json"), "w") as f:
            json.dump(spec, f)
        self.process = harness.Process(self.runc + ["run", "-b", own, self.name], os.path.join(case.folder, self.name + ".log"))
        case.addCleanup(self.remove)

    def remove(self):
        subprocess.run(self.runc + ["delete", "--force", self.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        self.case.end_quietly(self.process)

    def text(self):
        return self.process.text()

    def exec(self, *argv, status=0):
        done = subprocess.run(self.runc + ["exec", self.name] + list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        self.case.outputs.append(done.stdout)
        if status is not None:
            self.case.assertEqual(done.returncode, status, "%s\n%s\n%s" % (argv, done.stdout, self.text()))
        return done.stdout

    def wait_until_up(self):
        def is_up():
            self.case.assertIsNone(self.process.child.poll(), self.text())
            return '"event":"start"' in self.text()

        eventually("the container's server is up", is_up)

    def pid(self):
        return json.loads(output_of(*self.runc, "state", self.name))["pid"]

    def end(self):
        """SIGTERM, which runc passes on; the exit status."""
        return self.process.end()
