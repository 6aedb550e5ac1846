"""How the two programs are built, read off the very files that are shipped: what bazel/c.bzl asks for has to be in them."""

import os
import re
import shutil
import subprocess
import unittest

import harness

READELF = shutil.which("readelf")


def readelf(program, *options):
    return subprocess.run([READELF, "--wide", *options, program], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout


def is_sanitized(program):
    return "__asan_" in readelf(program, "--dyn-syms") or "__tsan_" in readelf(program, "--dyn-syms")


@unittest.skipUnless(READELF, "needs readelf (binutils)")
class Hardening(unittest.TestCase):
    longMessage = True

    def test_it_is_loaded_at_an_address_that_nobody_knows(self):
        for program in (harness.SERVER, harness.CLIENT):
            self.assertRegex(readelf(program, "-h"), r"Type: +DYN \(Position-Independent Executable file\)")
            self.assertRegex(readelf(program, "-d"), r"FLAGS_1\).*PIE")

    def test_the_tables_of_addresses_are_read_only(self):
        for program in (harness.SERVER, harness.CLIENT):
            self.assertIn("GNU_RELRO", readelf(program, "-l"))
            self.assertRegex(readelf(program, "-d"), r"FLAGS_1\).*NOW")

    def test_nothing_is_writable_and_executable(self):
        for program in (harness.SERVER, harness.CLIENT):
            segments = re.findall(r"^ +(\w+) +0x\w+ 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([R ][W ][E ])", readelf(program, "-l"), re.MULTILINE)
            self.assertIn(("GNU_STACK", "RW "), segments)
            self.assertGreater(len([s for s in segments if s[0] == "LOAD"]), 1)
            self.assertEqual([s for s in segments if "W" in s[1] and "E" in s[1]], [])
            self.assertNotIn("TEXTREL", readelf(program, "-d"))

    def test_libraries_come_from_where_the_system_has_them(self):
        for program in (harness.SERVER, harness.CLIENT):
            self.assertNotRegex(readelf(program, "-d"), r"RPATH|RUNPATH")

    def test_a_smashed_stack_is_noticed(self):
        for program in (harness.SERVER, harness.CLIENT):
            self.assertIn("__stack_chk_fail", readelf(program, "--dyn-syms"))

    def test_sizes_are_checked_where_they_are_known(self):
        for program in (harness.SERVER, harness.CLIENT):
            if is_sanitized(program):
                self.skipTest("the sanitizers check that themselves")
            checked = set(re.findall(r"\b(__\w+_chk)@", readelf(program, "--dyn-syms"))) - {"__stack_chk_fail"}
            self.assertLessEqual({"__snprintf_chk", "__memcpy_chk"} & checked or {"none of " + str(checked)}, checked)

    @unittest.skipUnless(os.uname().machine == "x86_64", "of this kind of processor alone")
    def test_jumps_and_returns_go_where_they_may(self):
        for program in (harness.SERVER, harness.CLIENT):
            with open(program, "rb") as f:
                # Debian's own start-up code lacks the mark, so the whole has none to look for: each function has.
                self.assertGreater(f.read().count(b"\xf3\x0f\x1e\xfa"), 200, "endbr64")

    def test_what_is_stripped_of_names_has_no_path_of_the_builder(self):
        for program in (harness.SERVER, harness.CLIENT):
            with open(program, "rb") as f:
                data = f.read()
            self.assertNotIn(b"/execroot/", data, "a path of the machine that built it")


if __name__ == "__main__":
    harness.main()
