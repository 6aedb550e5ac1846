"""The completions, in the shells that they are for. bash and fish are asked for all; zsh, which tells them to a line
editor alone, sits at a terminal and has Tab typed."""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
import unittest

# Python looks beside the script's real place first, which is not where its stubs are.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from fake import CLIENT, WAIT_S, Case

SCRIPTS = os.path.join(os.path.dirname(CLIENT), "completions")
OPTION = re.compile(r"^ +(?:(-\w), )?(--[a-z-]+)(?: (\S+))?", re.M)


class Shells(Case):
    def setUp(self):
        super().setUp()
        for name in ("acme", "acme-2", "beta"):
            self.fake.status.connectors.add(name=name)
        # By its name, as people call it.
        os.symlink(CLIENT, os.path.join(self.folder, "okta-connector"))
        os.mkdir(os.path.join(self.folder, "dir"))
        with open(os.path.join(self.folder, "dir", "token file"), "w"):
            pass

    def shell_env(self, **more):
        return dict(self.env(), PATH=self.folder + ":" + os.environ["PATH"], HOME=self.folder, OKTA_CONNECTOR_SERVER=self.address, **more)

    def run_shell(self, argv, **more):
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=WAIT_S,
                              env=self.shell_env(**more), cwd=os.path.join(self.folder, "dir"))
        self.assertEqual((done.returncode, done.stderr), (0, ""), argv)
        return done.stdout

    def commands(self):
        return re.findall(r"^  (\w+) +\S", self.cli("help")[0].split("Commands:")[1].split("Everywhere:")[0], re.M)

    def options(self, command):
        """(letter, name, value) of each, from the help."""
        return OPTION.findall(self.cli("help", command)[0].split("Usage:")[1])

    def typed(self, argv, text, wanted):
        """The shell on a terminal: `text` is typed once it is there; what comes, until `wanted` is in it."""
        env, folder = self.shell_env(TERM="dumb", PS1="not yet> "), os.path.join(self.folder, "dir")
        pid, fd = pty.fork()
        if pid == 0:
            try:
                os.chdir(folder)
                os.execvpe(argv[0], argv, env)
            finally:
                os._exit(127)
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 250, 0, 0))
        seen, end, is_typed = "", time.monotonic() + WAIT_S, False
        try:
            while time.monotonic() < end and wanted not in (seen.split(text.rstrip("\t"))[-1] if is_typed else ""):
                if select.select([fd], [], [], 0.1)[0]:
                    seen += os.read(fd, 4096).decode("utf-8", "replace")
                    seen = re.sub(".\x08", "", seen)
                if not is_typed and "armed> " in seen:
                    os.write(fd, text.encode())
                    is_typed = True
        finally:
            os.close(fd)
            try:
                os.kill(pid, 9)
            finally:
                os.waitpid(pid, 0)
        self.assertIn(wanted, seen)
        return seen


class BashTest(Shells):
    script = os.path.join(SCRIPTS, "okta-connector.bash")

    def complete(self, line, breaks=None):
        return self.complete_all([line], breaks)[0]

    def complete_all(self, lines, breaks=None):
        """As bash calls it, at the end of each line."""
        out = self.run_shell(["bash", "--norc", "-uc", """
            source "$1"
            %s
            for line in "${@:2}"; do
                COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=(stale)
                read -ra COMP_WORDS <<<"$line"
                _okta_connector
                ((${#COMPREPLY[@]} == 0)) || printf '%%s\\n' "${COMPREPLY[@]}"
                echo .
            done
        """ % ("" if breaks is None else "COMP_WORDBREAKS='%s'" % breaks), "bash", self.script] + lines)
        return [one.splitlines() for one in out.split(".\n")[:-1]]

    def test_it_is_what_the_command_prints(self):
        with open(self.script) as f:
            self.assertEqual(f.read(), self.cli("completion", "bash")[0])
        self.run_shell(["bash", "-n", self.script])

    def test_every_command(self):
        self.assertEqual(self.complete("okta-connector "), self.commands())
        self.assertEqual(self.complete("okta-connector st"), ["status"])
        self.assertEqual(self.complete("okta-connector --server %s --color never -o json st" % self.address), ["status"])
        self.assertEqual(self.complete("okta-connector help pro"), ["probe"])

    def test_every_option_of_every_command(self):
        commands = self.commands()
        found = self.complete_all(["okta-connector %s -" % command for command in commands])
        for command, names in zip(commands, found):
            wanted = {o for letter, name, _ in self.options(command) for o in (letter, name) if o}
            self.assertGreaterEqual(len(wanted), 7, command)
            self.assertEqual(set(names), wanted, command)

    def test_values(self):
        rows = []
        for line, wanted in [("status -o ", ["table", "json", "jsonl"]), ("status --output j", ["json", "jsonl"]), ("--color n", ["never"]),
                             ("completion ", ["bash", "zsh", "fish"]), ("completion bash ", []), ("logins --last ", []),
                             ("probe --service ", ["upstream", "upstream/acme", "upstream/acme-2", "upstream/beta"]),
                             ("configure --token-file tok", ["token file"]), ("--server unix:tok", ["token file"]), ("nonsense ", [])]:
            rows.append((line, wanted))
        for (line, wanted), got in zip(rows, self.complete_all(["okta-connector " + line for line, _ in rows])):
            self.assertEqual(got, wanted, line)

    def test_a_value_behind_an_equals_sign(self):
        self.assertEqual(self.complete("okta-connector status --output=js"), ["json", "jsonl"])
        self.assertEqual(self.complete("okta-connector status --output=js", breaks=" "), ["--output=json", "--output=jsonl"])
        self.assertEqual(self.complete("okta-connector --server=unix:tok", breaks=" "), ["--server=unix:token file"])

    def test_the_connectors_that_there_are(self):
        commands = ("configure", "reconnect", "status", "sync", "logins", "users", "delete")
        for names in self.complete_all(["okta-connector %s " % command for command in commands]):
            self.assertEqual(names, ["acme", "acme-2", "beta"])
        self.assertEqual(self.complete("okta-connector logins --last 5 be"), ["beta"])
        self.assertEqual(self.complete("okta-connector status acme "), [])
        self.assertEqual(self.complete("okta-connector version "), [])

    def test_the_server_that_was_named_on_the_line_is_asked(self):
        for named in ("--server /nowhere", "--server=/nowhere"):
            self.assertEqual(self.complete("okta-connector %s status " % named), [])
        self.fake.requests.clear()
        self.assertEqual(self.complete("okta-connector --server /nowhere status --server %s b" % self.path), ["beta"])

    def test_nobody_there_is_silence(self):
        self.stop()
        self.assertEqual(self.complete("okta-connector status "), [])

    def test_in_bash_itself(self):
        rc = os.path.join(self.folder, "rc")
        with open(rc, "w") as f:
            f.write("source %s\nPS1='armed> '\n" % self.script)
        self.typed(["bash", "--rcfile", rc, "-i"], "okta-connector stat\tbe\t-o jsonl\t", "status beta -o jsonl")


@unittest.skipUnless(shutil.which("zsh"), "zsh is not here")
class ZshTest(Shells):
    script = os.path.join(SCRIPTS, "okta-connector.zsh")

    def zsh(self, text, wanted):
        functions = os.path.join(self.folder, "functions")
        os.makedirs(functions, exist_ok=True)
        shutil.copy(self.script, os.path.join(functions, "_okta-connector"))
        with open(os.path.join(self.folder, ".zshrc"), "w") as f:
            f.write("fpath=(%s $fpath)\nautoload -U compinit\ncompinit -u -D\nunsetopt zle_bracketed_paste prompt_sp 2>/dev/null\n"
                    "setopt no_beep\nPS1='armed> '\n" % functions)
        return self.typed(["zsh", "-d", "-i"], text, wanted)

    def test_it_is_what_the_command_prints(self):
        with open(self.script) as f:
            self.assertEqual(f.read(), self.cli("completion", "zsh")[0])
        self.run_shell(["zsh", "-n", self.script])

    def test_commands(self):
        self.zsh("okta-connector reco\tbe\t", "reconnect beta")

    def test_options_and_values(self):
        self.zsh("okta-connector logins --require\tacme-\t-o jsonl\t--col\tnev\t", "--require-complete-history acme-2 -o jsonl --color=never")

    def test_services(self):
        self.zsh("okta-connector probe --servi\tupstream/b\t", "--service=upstream/beta")

    def test_what_options_mean(self):
        seen = self.zsh("okta-connector configure --\t", "--token-file")
        self.assertIn("store it although", self.zsh("okta-connector configure --\t", "store it although"))
        self.assertNotIn("_arguments", seen)

    def test_sourced(self):
        with open(os.path.join(self.folder, ".zshrc"), "w") as f:
            f.write("autoload -U compinit\ncompinit -u -D\nsource <(okta-connector completion zsh)\nPS1='armed> '\n")
        self.typed(["zsh", "-d", "-i"], "okta-connector vers\t", "version")


@unittest.skipUnless(shutil.which("fish"), "fish is not here")
class FishTest(Shells):
    script = os.path.join(SCRIPTS, "okta-connector.fish")

    def complete(self, line):
        return self.complete_all([line])[0]

    def complete_all(self, lines):
        out = self.run_shell(["fish", "--no-config", "-c", "source $argv[1]; for line in $argv[2..-1]; complete -C $line; echo .; end", self.script] + lines)
        return [[l.split("\t")[0] for l in one.splitlines()] for one in out.split(".\n")[:-1]]

    def test_it_is_what_the_command_prints(self):
        with open(self.script) as f:
            self.assertEqual(f.read(), self.cli("completion", "fish")[0])
        self.run_shell(["fish", "-n", self.script])

    def test_every_command(self):
        self.assertEqual(set(self.complete("okta-connector ")), set(self.commands()))
        self.assertEqual(self.complete("okta-connector --server %s --color never -o json st" % self.address), ["status"])
        self.assertEqual(self.complete("okta-connector help pro"), ["probe"])

    def test_every_option_of_every_command(self):
        commands = self.commands()
        found = self.complete_all(["okta-connector %s %s" % (command, start) for command in commands for start in ("-", "--")])
        for i, command in enumerate(commands):
            wanted = {o for letter, name, value in self.options(command) for o in (letter, name) if o}
            self.assertEqual({o.split("=")[0] for o in found[2 * i] + found[2 * i + 1]}, wanted, command)

    def test_values(self):
        rows = []
        for line, wanted in [("status -o j", ["json", "jsonl"]), ("status --output=j", ["--output=json", "--output=jsonl"]),
                             ("--color n", ["never"]), ("completion ", ["bash", "fish", "zsh"]), ("logins --last ", []),
                             ("probe --service ", ["upstream", "upstream/acme", "upstream/acme-2", "upstream/beta"]),
                             ("configure --token-file tok", ["token file"])]:
            rows.append((line, wanted))
        for (line, wanted), got in zip(rows, self.complete_all(["okta-connector " + line for line, _ in rows])):
            self.assertEqual(sorted(got), wanted, line)

    def test_the_connectors_that_there_are(self):
        commands = ("configure", "reconnect", "status", "sync", "logins", "users", "delete")
        for names in self.complete_all(["okta-connector %s " % command for command in commands]):
            self.assertEqual(names, ["acme", "acme-2", "beta"])
        self.assertEqual(self.complete("okta-connector --server /nowhere status "), [])
        self.assertEqual(self.complete("okta-connector --server=/nowhere status "), [])
        self.stop()
        self.assertEqual(self.complete("okta-connector status "), [])


del Shells

if __name__ == "__main__":
    unittest.main(verbosity=2)
