"""fuzz_target: NAME.c with LLVMFuzzerTestOneInput in it, as two programs.

NAME_corpus_test runs the files of corpus/NAME through it, with any compiler; it is a test like any other.
NAME itself is libFuzzer's, for bazel/fuzz: only clang can link it."""

load("//bazel:c.bzl", "c_binary", "c_test")

def fuzz_target(name, deps = [], more_srcs = [], size = "small", tags = []):
    srcs = more_srcs + [
        name + ".c",
        "fuzz.h",
    ]
    deps = deps + ["//server/base"]
    c_test(
        name = name + "_corpus_test",
        size = size,
        srcs = srcs + ["replay.c"],
        args = ["tests/fuzz/corpus/" + name],
        data = native.glob(["corpus/%s/*" % name]),
        tags = tags,
        deps = deps + ["//tests:rows"],
    )
    c_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = deps,
    )
