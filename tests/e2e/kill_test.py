"""kill -9 at any point: nothing lost, nothing doubled."""

import json
import random
import signal

import harness
from harness import eventually


class Kill(harness.Case):
    def run_with_kills(self, emulator, kill_when, rounds):
        """Kills the server `rounds` times, each when kill_when(round) comes true, under one subscriber that never ends."""
        server = self.server()
        self.configure(server, emulator)
        self.background(server, "logins", "acme", "--follow", "--from-beginning", "--require-complete-history", "-o", "jsonl",
                        out="streamed")
        for n in range(rounds):
            eventually("the moment for kill %d" % n, lambda: kill_when(server, n))
            server.end(signal.SIGKILL)
            server = self.server()
        self.assert_follower_has_the_org(server, emulator, "streamed")
        # And whoever comes now is told the same.
        self.assert_store_is_the_org(server, emulator)
        users = self.cli(server, "users", "acme", "-o", "jsonl")[0].splitlines()
        self.assertEqual(len({json.loads(u)["id"] for u in users}), emulator.stats()["users"])
        self.assertEqual(emulator.stats()["violations"], 0)

    def status(self, server):
        out, _ = self.cli(server, "status", "acme", "-o", "json")
        return json.loads(out)["connectors"][0]

    def test_in_mid_sync(self):
        emulator = self.emulator(users=3000, history_events=500)

        def users_listed(server, n):
            rows = self.status(server).get("collections", [])
            users = next((r for r in rows if r["collection"] == "COLLECTION_USERS"), {})
            return int(users.get("objects", 0)) > 200 * n

        self.run_with_kills(emulator, users_listed, 4)

    def test_in_mid_back_fill(self):
        emulator = self.emulator(history_events=20000, history_days=10, logs_limit=240)

        def back_filled(server, n):
            return int(self.status(server).get("history", {}).get("logins_stored", 0)) > 1500 * n

        self.run_with_kills(emulator, back_filled, 4)

    def test_in_mid_stream(self):
        emulator = self.emulator(history_events=200, login_every="5ms", late_percent=5, logs_limit=600)
        dice = random.Random(7)
        marks = [300 * (n + 1) + dice.randrange(200) for n in range(4)]
        self.run_with_kills(emulator, lambda server, n: len(self.lines_of("streamed")) > marks[n], 4)


if __name__ == "__main__":
    harness.main()
