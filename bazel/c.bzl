"""Rules for C: c_library, c_binary and c_test are Bazel's native rules with this project's compiler flags.

Include paths start at server/ (`#include "base/error.h"`), or at the top of the tree for everything else
(`#include "client/rpc/session.h"`). In tests they may also start at tests/ (`#include "world/day.h"`)."""

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wshadow",
    "-Wundef",
    "-Wvla",
    "-Wpointer-arith",
    "-Wwrite-strings",
    "-Wformat=2",
    "-Wimplicit-fallthrough",
]

_C_ONLY = [
    "-std=c11",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
    "-Wold-style-definition",
]

HARDENING = [
    "-D_GNU_SOURCE",
    "-fstack-protector-strong",
    "-fstack-clash-protection",
    "-fcf-protection",
    "-fno-strict-aliasing",
] + select({
    # FORTIFY calls checked variants of libc functions, which the sanitizers do not intercept, so that they would miss mistakes.
    "//bazel:is_sanitized": [],
    "//bazel:is_debug": [],
    "//conditions:default": ["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"],
})

_INCLUDES = ["-iquote", "server"]
TEST_INCLUDES = ["-iquote", "tests"]

COPTS = _C_ONLY + _WARNINGS + HARDENING + _INCLUDES
CXXOPTS = ["-std=c++17"] + _WARNINGS + HARDENING + _INCLUDES
LINKOPTS = ["-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack", "-Wl,--as-needed", "-pthread"]

def c_library(name, copts = [], testonly = False, **kwargs):
    native.cc_library(
        name = name,
        copts = COPTS + (TEST_INCLUDES if testonly else []) + copts,
        linkstatic = True,
        testonly = testonly,
        **kwargs
    )

def cxx_library(name, copts = [], **kwargs):
    native.cc_library(name = name, copts = CXXOPTS + copts, linkstatic = True, **kwargs)

def c_binary(name, copts = [], linkopts = [], testonly = False, **kwargs):
    native.cc_binary(
        name = name,
        copts = COPTS + (TEST_INCLUDES if testonly else []) + copts,
        linkopts = LINKOPTS + linkopts,
        testonly = testonly,
        **kwargs
    )

def c_test(name, srcs = None, deps = [], copts = [], linkopts = [], size = "small", data = [], **kwargs):
    """One cmocka program; `srcs` defaults to NAME.c."""
    native.cc_test(
        name = name,
        srcs = srcs or [name + ".c"],
        copts = COPTS + TEST_INCLUDES + copts,
        linkopts = LINKOPTS + linkopts,
        linkstatic = True,
        size = size,
        # .bazelrc names these files relative to the folder in which a test runs.
        data = data + [
            "//bazel:lsan.supp",
            "//bazel:tsan.supp",
        ],
        deps = deps + ["//bazel/syslibs:cmocka"],
        **kwargs
    )
