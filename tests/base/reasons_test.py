"""The catalogue of reasons against the sources that use it, and against errors.proto, which tells it to clients."""

import glob
import os
import re
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
STRING = r'"((?:[^"\\]|\\.)*)"'
# What comes to callers says why by name. Left out: what runs before there are callers.
TOLD_TO_CALLERS = ["rpc/call.c", "rpc/health.c", "rpc/call_lifecycle.c", "rpc/message.c", "rpc/ticket.c", "service/**/*.c",
                   "connectors/**/*.c", "poller/poller.c"]


def read(*path):
    with open(os.path.join(TOP, *path)) as f:
        return f.read()


def joined(literals):
    return "".join(re.findall(STRING, literals)).replace('\\"', '"')


def catalogue():
    rows = re.findall(r'\{ "([A-Z_]+)", ERROR_(\w+),\s*\.help = ((?:%s\s*)+)' % STRING.replace("(", "(?:", 1),
                      read("server", "base", "error_reasons.c"))
    return {reason: (code, joined(help_)) for reason, code, help_ in rows}


def sources():
    """(path, text) of what is compiled into the server, but for the catalogue itself."""
    for path in sorted(glob.glob(os.path.join(TOP, "server", "**", "*.[ch]*"), recursive=True)):
        if not path.endswith("error_reasons.c"):
            with open(path) as f:
                yield os.path.relpath(path, os.path.join(TOP, "server")), f.read()


class Reasons(unittest.TestCase):
    def test_each_use_is_in_the_catalogue_with_its_code(self):
        known = catalogue()
        uses = []
        names = {}
        for path, text in sources():
            names.update(re.findall(r'#define\s+(\w+_REASON)\s+"([A-Z_]+)"', text))
        for path, text in sources():
            for code, reason in re.findall(r'error_reason\(\s*&?\w+,\s*ERROR_(\w+),\s*("[A-Z_]+"|\w+_REASON)', text):
                uses.append((path, code, reason.strip('"') if reason.startswith('"') else names[reason]))
            for reason in re.findall(r'error_invalid\(\s*&?\w+,\s*"([A-Z_]+)"', text):
                uses.append((path, "INVALID_ARGUMENT", reason))
            # Whatever else is called so is the definition, takes code and reason from the catalogue, or passes an error on.
            others = re.findall(r'error_(?:reason|invalid)\((?!\s*&?\w+,\s*(?:ERROR_\w+,\s*)?(?:"[A-Z_]+"|\w+_REASON))[^)]*', text)
            for other in others:
                self.assertRegex(other, r"struct error \*err|error_meaning\(|, reason,|\w+\.code, \w+\.reason,", path)
        self.assertGreater(len(uses), 60)
        for path, code, reason in uses:
            self.assertIn(reason, list(known), path)
            self.assertEqual(code, known[reason][0], "%s in %s" % (reason, path))

    def test_none_is_there_that_nobody_uses(self):
        everything = "".join(text for _, text in sources()) + read("server", "base", "error_reasons.c").split("reason_of_code", 1)[1]
        for reason in catalogue():
            self.assertIn('"%s"' % reason, everything)

    def test_what_callers_are_told_has_a_reason(self):
        for pattern in TOLD_TO_CALLERS:
            paths = glob.glob(os.path.join(TOP, "server", pattern), recursive=True)
            self.assertTrue(paths, pattern)
            for path in paths:
                with open(path) as f:
                    bare = [line for line in f if "error_set(" in line and "ERROR_OK" not in line]
                self.assertEqual(bare, [], path)

    def test_no_answer_of_oktas_is_blamed_on_our_caller(self):
        for path, text in sources():
            if path not in ("base/error.h", "base/error.c", "rpc/error_status.c"):
                self.assertNotIn("ERROR_UNAUTHENTICATED", text, path)
            if path not in ("base/error.h", "rpc/call_lifecycle.c", "rpc/error_status.c"):
                self.assertNotIn("ERROR_PERMISSION_DENIED", text, path)

    def test_the_proto_says_the_same(self):
        text = read("proto", "okta", "connector", "v1", "errors.proto")
        told = {}
        for comment, reason in re.findall(r"((?:  //[^\n]*\n)+)  ERROR_REASON_([A-Z_]+) = \d+;", text):
            told[reason] = " ".join(line.strip()[2:].strip() for line in comment.splitlines())
        del told["UNSPECIFIED"]
        self.assertEqual(sorted(told), sorted(catalogue()))
        for reason, (code, help_) in catalogue().items():
            self.assertTrue(told[reason].startswith(code + ". "), reason)
            self.assertTrue(told[reason].endswith(help_), "%s\n%s\n%s" % (reason, told[reason], help_))
            self.assertGreater(len(told[reason]), len(code + ".  ") + len(help_), reason)

    def test_what_a_method_names_is_there_with_that_code(self):
        known = catalogue()
        codes = "|".join(sorted({code for code, _ in known.values()}))
        named = 0
        for name in ("connector", "directory"):
            text = read("proto", "okta", "connector", "v1", name + ".proto")
            for comment in re.findall(r"((?:  //[^\n]*\n)+)  rpc ", text):
                said = " ".join(line.strip()[2:].strip() for line in comment.splitlines())
                for code, reasons in re.findall(r"\b(%s): (.*?)\.(?= [A-Z_]+:|$)" % codes, said):
                    for reason in re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b(?![a-z'])", re.sub(r"\([^)]*\)", "", reasons)):
                        self.assertEqual(known.get(reason, ("no reason",))[0], code, reason)
                        named += 1
        self.assertGreater(named, 40)


if __name__ == "__main__":
    unittest.main(verbosity=2)
