"""protobuf_c_library compiles .proto files to a C library with Debian's protoc-c; descriptor_set embeds their descriptors."""

load("//bazel:c.bzl", "HARDENING")

_SYSTEM_ROOTS = [
    "/usr/include",
    "/usr/share/grpc-proto",
    "/usr/share/gocode/src/github.com/grpc-ecosystem/grpc-gateway/third_party/googleapis",
]

def _stem(proto):
    return proto[:-len(".proto")]

def protobuf_c_library(name, protos, root = None, deps = [], visibility = None):
    """Compiles protos to C.

    Args:
      name: the library; include its headers as "path/of/x.pb-c.h".
      protos: paths relative to root; without a root, relative to the folders in which Debian's packages install .proto files.
      root: the workspace folder that contains the protos; None for protos of Debian packages.
      deps: other protobuf_c_library targets that these import.
    """
    sources = [p[:-len(".proto")] + ".pb-c.c" for p in protos]
    headers = [p[:-len(".proto")] + ".pb-c.h" for p in protos]
    roots = ([root] if root else []) + _SYSTEM_ROOTS
    native.genrule(
        name = name + "_c",
        srcs = protos if root else [],
        outs = sources + headers,
        cmd = "protoc-c %s --c_out=$(RULEDIR) %s" % (
            " ".join(["-I" + r for r in roots]),
            " ".join(protos),
        ),
        message = "protoc-c",
    )
    native.cc_library(
        name = name,
        srcs = sources,
        hdrs = headers,
        copts = HARDENING + ["-Wno-unused-parameter"],
        includes = ["."],
        linkstatic = True,
        deps = deps + ["//bazel/syslibs:protobuf-c"],
        visibility = visibility,
    )

def descriptor_set(name, protos, root = None, srcs = [], visibility = None):
    """Makes NAME.c and NAME.h: `NAME` (bytes) and `NAME_size`, a FileDescriptorSet of the protos and of all that they import."""
    roots = ([root] if root else []) + _SYSTEM_ROOTS
    native.genrule(
        name = name + "_gen",
        srcs = srcs,
        outs = [name + ".c", name + ".h"],
        cmd = " && ".join([
            "protoc %s --include_imports --descriptor_set_out=$(RULEDIR)/%s.bin %s" % (
                " ".join(["-I" + r for r in roots]),
                name,
                " ".join(protos),
            ),
            "(echo '#include \"%s.h\"'; echo 'const unsigned char %s[] = {'; " % (name, name) +
            "od -An -v -tu1 $(RULEDIR)/%s.bin | sed 's/\\([0-9][0-9]*\\)/\\1,/g'; " % name +
            "echo '};'; echo 'const unsigned long %s_size = sizeof %s;') > $(RULEDIR)/%s.c" % (name, name, name),
            "(echo 'extern const unsigned char %s[];'; echo 'extern const unsigned long %s_size;') > $(RULEDIR)/%s.h" % (name, name, name),
        ]),
        message = "protoc",
    )
    native.cc_library(
        name = name,
        srcs = [name + ".c"],
        hdrs = [name + ".h"],
        includes = ["."],
        linkstatic = True,
        visibility = visibility,
    )
