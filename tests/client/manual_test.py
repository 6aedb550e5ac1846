"""The manual pages: what --help lists is in them, and they render without a warning."""

import os
import re
import shutil
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLIENT = os.path.join(TOP, "client", "okta-connector")
SERVER = os.path.join(TOP, "server", "okta-connectord")
PAGES = [os.path.join(TOP, *p) for p in [("client", "okta-connector.1"), ("server", "okta-connectord.8"), ("server", "okta-connector-config.5")]]


def run(*argv, **env):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                          env=dict(os.environ, LC_ALL="C.UTF-8", **env))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def text(page):
    """As a reader sees it, with nothing broken at a line's end."""
    code, out, err = run("groff", "-man", "-Tascii", "-P-cbou", "-rLL=400n", "-rHY=0", page)
    assert (code, err) == (0, ""), err
    return out


class ManualTest(unittest.TestCase):
    def test_they_render_without_a_warning(self):
        for page in PAGES:
            with self.subTest(page):
                self.assertEqual(run("groff", "-man", "-Tutf8", "-ww", page)[2], "")
                code, out, err = run("man", "--warnings", "-l", page, MANWIDTH="80")
                self.assertEqual((code, err), (0, ""))
                self.assertGreater(len(out.splitlines()), 50)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not here")
    def test_another_reader_takes_them_too(self):
        for page in PAGES:
            _, out, err = run("mandoc", "-Tlint", "-Wwarning", page)
            # A page that says when it was made is not the same twice.
            self.assertEqual([l for l in (out + err).splitlines() if "missing date" not in l], [])

    def test_no_line_is_taken_for_a_request(self):
        for page in PAGES:
            with open(page) as f:
                requests = {l.split()[0] for l in f if l[0] in ".'"}
            self.assertLessEqual(requests, {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".I", ".BR", ".IR", ".RB", ".RI", ".EX", ".EE"})

    def test_every_command_and_option_of_the_client(self):
        page = text(PAGES[0])
        names = re.findall(r"^  (\w+) +\S", run(CLIENT, "help")[1].split("Commands:")[1].split("Everywhere:")[0], re.M)
        self.assertIn("probe", names)
        for name in names:
            section = re.search(r"^   %s[ \n].*?(?=^   \w|^[A-Z])" % name, page, re.M | re.S).group()
            help_ = run(CLIENT, "help", name)[1]
            self.assertIn(re.search(r"^Usage: okta-connector (.*?) *$", help_, re.M).group(1), section)
            for option, meaning in re.findall(r"^ +(?:-\w, )?(--[a-z-]+(?: \S+)?)  +(.*)$", help_.split("Everywhere:")[0], re.M):
                self.assertIn(option, section, name)
                self.assertIn(meaning, section, name)
        for option in re.findall(r"--[a-z-]+", help_.split("Everywhere:")[1]):
            self.assertIn(option, page.split("COMMANDS")[0])

    def test_every_exit_code(self):
        page = re.sub(r"\s+", " ", text(PAGES[0]))
        for code, meaning in re.findall(r"^ +(\d+)  (.*)$", run(CLIENT, "help", "exit-codes")[1], re.M):
            self.assertIn("%s %s" % (code, meaning), page)

    def test_every_option_of_the_server(self):
        page = text(PAGES[1])
        options = re.findall(r"^  (--[a-z-]+(?: \S+)?) +(.*?)$", run(SERVER, "--help")[1], re.M)
        self.assertGreater(len(options), 20)
        for option, meaning in options:
            self.assertIn(option, page)
            self.assertIn(meaning, page)

    def test_every_setting_of_the_file(self):
        page = text(PAGES[2])
        for key in ("data-dir: DIR", "listen: ADDR", "connectors:", "token-file: FILE", "history-days: N", "allow-http-loopback-org:"):
            self.assertRegex(page, r"(?m)^ +%s" % key)

    def test_the_files_example_is_right(self):
        with open(PAGES[2]) as f:
            example = re.search(r"^\.EX\n(.*?)^\.EE", f.read(), re.M | re.S).group(1).replace("\\-", "-")
        path = os.path.join(os.environ.get("TEST_TMPDIR", "/tmp"), "example.yaml")
        with open(path, "w") as f:
            f.write(example)
        code, out, err = run(SERVER, "--config", path, "--print-config")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("/etc/okta-connector/acme.token", out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
