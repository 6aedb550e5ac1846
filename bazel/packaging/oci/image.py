"""Makes the image: image.py OUT VERSION_FILE EPOCH_FILE SERVER CLIENT CONFIG NOTICE

The archive is an OCI image layout; a manifest.json makes it loadable with "docker load" too. It contains the two programs, the
libraries of this Debian system that they load, the CA certificates that HTTPS trusts, and four small files in /etc. There is no
shell, no package manager and no way to log in. The names, versions and copyrights of the libraries' packages are where
vulnerability scanners look for them (var/lib/dpkg/status.d). The build is reproducible: the same input gives the same bytes, on
any machine and at any time."""

import datetime
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile

UID = 65532
DATA = "var/lib/okta-connector"
ETC = {
    "etc/passwd": "root:x:0:0:root:/:/sbin/nologin\nokta-connector:x:%d:%d::/%s:/sbin/nologin\n" % (UID, UID, DATA),
    "etc/group": "root:x:0:\nokta-connector:x:%d:\n" % UID,
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
ENTRYPOINT = "/usr/sbin/okta-connectord"
# The admin socket of the image's default settings, so that "podman exec NAME okta-connector status" finds it.
ENV = ["PATH=/usr/sbin:/usr/bin", "OKTA_CONNECTOR_SERVER=unix:/%s/run/admin.sock" % DATA]


def output_of(*argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, text=True,
                          env=dict(os.environ, LC_ALL="C")).stdout


def read(path):
    with open(path, "rb") as f:
        return f.read()


def stripped(path):
    with tempfile.NamedTemporaryFile() as to:
        output_of("strip", "--remove-section=.comment", "--remove-section=.note", "-o", to.name, path)
        return read(to.name)


def libraries(*programs):
    """The paths of the dynamic loader and of every library that the programs load, as the loader looks for them."""
    found = set()
    for line in output_of("ldd", *programs).splitlines():
        if "not found" in line:
            sys.exit("image: a library is missing: " + line.strip())
        match = re.search(r"(/\S+) \(0x", line)
        if match:
            found.add(match.group(1))
    return sorted(found)


def owners(paths):
    """The Debian packages that installed these files. /lib is a link to /usr/lib, and dpkg may have recorded either path."""
    real = {os.path.realpath(path) for path in paths}
    places = real | {path[len("/usr"):] for path in real if path.startswith("/usr/lib")}
    found = subprocess.run(["dpkg-query", "-S"] + sorted(places), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    owner = {}
    for line in found.splitlines():
        package, path = line.rsplit(": ", 1)
        owner[path if path in real else "/usr" + path] = package
    if real - set(owner):
        sys.exit("image: no Debian package installed these libraries: " + ", ".join(sorted(real - set(owner))))
    return sorted(set(owner.values()))


class Layer:
    """A tar archive with one date for all entries, in the order of their paths: the same entries give the same bytes."""

    def __init__(self, epoch):
        self.epoch, self.entries = epoch, {}

    def add(self, path, data=None, mode=0o644, link=None, uid=0):
        """Adds a file (data), a symbolic link (link) or a folder (neither), and the folders above it that are missing."""
        above = os.path.dirname(path)
        if above and above not in self.entries:
            self.add(above, mode=0o755)
        info = tarfile.TarInfo(path)
        info.mtime, info.mode, info.uid, info.gid = self.epoch, mode, uid, uid
        if link is not None:
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, link, 0o777
        elif data is None:
            info.type = tarfile.DIRTYPE
        else:
            info.size = len(data)
        self.entries[path] = (info, data)

    def tar(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for _, (info, data) in sorted(self.entries.items()):
                tar.addfile(info, io.BytesIO(data or b""))
        return out.getvalue()


def debian_layer(epoch, programs):
    """The files that come from Debian. They are a layer of their own, since they change only when Debian's packages do."""
    layer = Layer(epoch)
    for name in ("lib", "lib64"):
        layer.add("usr/" + name, mode=0o755)
        layer.add(name, link="usr/" + name)
    loaded = libraries(*programs)
    for path in loaded:
        place = path.lstrip("/")
        layer.add(place if place.startswith("usr/") else "usr/" + place, read(path), 0o755)
    trusted = "/usr/share/ca-certificates/mozilla"
    # /etc/ssl/certs/ca-certificates.crt of this machine will not do: its administrator may have added CAs.
    layer.add("etc/ssl/certs/ca-certificates.crt",
              b"".join(read(os.path.join(trusted, name)).rstrip(b"\n") + b"\n" for name in sorted(os.listdir(trusted))))
    for package in owners(loaded) + ["ca-certificates"]:
        name = package.split(":")[0]
        status = output_of("dpkg-query", "-s", package)
        layer.add("var/lib/dpkg/status.d/" + name, status.encode())
        layer.add("usr/share/doc/%s/copyright" % name, read("/usr/share/doc/%s/copyright" % name))
    return layer


def own_layer(epoch, server, client, config, notice):
    layer = Layer(epoch)
    layer.add("usr/sbin/okta-connectord", stripped(server), 0o755)
    layer.add("usr/bin/okta-connector", stripped(client), 0o755)
    layer.add("usr/share/doc/okta-connector/copyright", read(notice))
    layer.add("etc/okta-connector/config.yaml", read(config))
    for path, text in ETC.items():
        layer.add(path, text.encode())
    layer.add(DATA, mode=0o700, uid=UID)
    # The mount point for a folder of sockets that is shared with other containers.
    layer.add("run/okta-connector", mode=0o755, uid=UID)
    return layer


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Blobs:
    def __init__(self):
        self.files = {}

    def add(self, data, media_type):
        self.files["blobs/sha256/" + digest(data)] = data
        return {"mediaType": "application/vnd.oci.image." + media_type, "digest": "sha256:" + digest(data), "size": len(data)}


def config_of(version, created, diffs):
    arch = output_of("dpkg", "--print-architecture").strip()
    return {
        "created": created,
        "architecture": arch,
        "os": "linux",
        "config": {
            "User": "%d:%d" % (UID, UID),
            "Entrypoint": [ENTRYPOINT],
            "Env": ENV,
            "WorkingDir": "/",
            "Volumes": {"/" + DATA: {}},
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "okta-connector",
                "org.opencontainers.image.description": "Reads Okta orgs, read-only, and streams their logins over gRPC",
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.created": created,
                "org.opencontainers.image.base.name": "scratch",
            },
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(tar) for tar in diffs]},
        "history": [{"created": created, "created_by": by} for by in ("Debian's libraries", "okta-connector " + version)],
    }


def encoded(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def main(out, version_file, epoch_file, *files):
    version, epoch = read(version_file).decode().strip(), int(read(epoch_file))
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    tars = [debian_layer(epoch, files[:2]).tar(), own_layer(epoch, *files).tar()]
    blobs = Blobs()
    layers = [blobs.add(gzip.compress(tar, 6, mtime=0), "layer.v1.tar+gzip") for tar in tars]
    config = blobs.add(encoded(config_of(version, created, tars)), "config.v1+json")
    manifest = blobs.add(encoded({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                                  "config": config, "layers": layers}), "manifest.v1+json")
    name = "okta-connector:" + version
    manifest["annotations"] = {"org.opencontainers.image.ref.name": version, "io.containerd.image.name": "docker.io/library/" + name}
    blob = lambda of: "blobs/sha256/" + of["digest"].split(":")[1]
    archive = Layer(epoch)
    archive.add("oci-layout", encoded({"imageLayoutVersion": "1.0.0"}))
    archive.add("index.json", encoded({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                                       "manifests": [manifest]}))
    archive.add("manifest.json", encoded([{"Config": blob(config), "RepoTags": [name], "Layers": [blob(l) for l in layers]}]))
    for path, data in blobs.files.items():
        archive.add(path, data)
    with open(out, "wb") as f:
        f.write(archive.tar())


main(*sys.argv[1:])
