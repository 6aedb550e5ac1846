"""Checks the structure of the sources: which folder may include which, where a library may be included, which files may name a
collection, and that the pages of documentation are short and their links lead somewhere.

It reads the includes as text, so it also sees what Bazel's `visibility` does not: headers of system libraries, and arrows that
point the wrong way between targets that happen to be visible."""

import glob
import os
import re
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
INCLUDE = re.compile(r'^#include ([<"])([^>"]+)[>"]', re.M)


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def sources(*folders):
    """Paths of all C and C++ files in these folders, relative to the top of the tree."""
    return sorted(os.path.relpath(path, TOP) for folder in folders for kind in ("c", "cc", "h")
                  for path in glob.glob(os.path.join(TOP, folder, "**", "*." + kind), recursive=True))


def included(path):
    return [name for _, name in INCLUDE.findall(read(path))]


def server_folder(path):
    """The folder that a file counts as: "poller" for server/poller/lane.c, and None for a file beside main.c."""
    parts = path.split(os.sep)
    return parts[1] if len(parts) > 2 else None


def graph():
    """The include graph of server/: folder -> {folder that it includes: "FILE includes HEADER", one example}."""
    folders = {server_folder(path) for path in sources("server")} - {None}
    edges = {folder: {} for folder in folders}
    for path in sources("server"):
        for name in included(path):
            to = name.split("/")[0]
            if server_folder(path) and "/" in name and to in folders and to != server_folder(path) and \
                    os.path.exists(os.path.join(TOP, "server", name)):
                edges[server_folder(path)].setdefault(to, "%s includes %s" % (path, name))
    return edges


def circle(edges):
    """The folders of one circle, from a folder back to itself; None if there is none."""
    done, on_path = set(), []

    def visit(folder):
        if folder in on_path:
            return on_path[on_path.index(folder):] + [folder]
        if folder in done:
            return None
        on_path.append(folder)
        for to in edges[folder]:
            found = visit(to)
            if found:
                return found
        on_path.pop()
        done.add(folder)
        return None

    return next((found for found in map(visit, sorted(edges)) if found), None)


def allowed_arrows():
    """The table in server/README.md: folder -> folders that it may include."""
    rows = re.search(r"\| folder \| may include \|\n\|---\|---\|\n((?:\|.*\n)+)", read("server/README.md")).group(1)
    return {folder: set(re.findall(r"`(\w+)`", may)) for folder, may in re.findall(r"\| `(\w+)` \|(.*)\|\n", rows)}


class Arrows(unittest.TestCase):
    def test_no_folder_includes_another_in_a_circle(self):
        edges = graph()
        found = circle(edges)
        if found:
            self.fail(" -> ".join(found) + "".join("\n  " + edges[a][b] for a, b in zip(found, found[1:])))

    def test_folders_include_only_what_the_table_allows(self):
        allowed = allowed_arrows()
        for folder, edges in graph().items():
            for to, how in edges.items():
                self.assertTrue(to == "base" or to in allowed.get(folder, ()),
                                how + ", which the table in server/README.md does not allow")

    def test_the_table_names_every_folder(self):
        self.assertEqual(set(allowed_arrows()) | {"base"}, set(graph()))

    def test_libraries_are_reached_from_their_own_folders_alone(self):
        for header, folders in [("grpc/", {"rpc"}), ("curl/", {"okta"}), ("lmdb.h", {"store", "registry", "backup"}),
                                ("microhttpd.h", {"http"}), ("seccomp.h", {"sandbox"}), ("yaml.h", {"config"}), ("cjose/", {"okta"})]:
            users = {server_folder(path) for path in sources("server") if any(name.startswith(header) for name in included(path))}
            self.assertTrue(users, "no file includes %s any more: take it off the list" % header)
            self.assertLessEqual(users, folders, header)

    def test_okta_store_and_rpc_do_not_see_each_other(self):
        edges = graph()
        for a in ("okta", "store", "rpc"):
            self.assertEqual(set(edges[a]) & {"okta", "store", "rpc"}, set())

    def test_the_clients_folders_point_one_way(self):
        order = ["term", "rpc", "cli", "cmd"]  # each may include those before it
        for path in sources("client"):
            parts = path.split(os.sep)
            for name in included(path):
                if len(parts) > 2 and name.startswith("client/") and name.count("/") == 2:
                    self.assertLessEqual(order.index(name.split("/")[1]), order.index(parts[1]), "%s includes %s" % (path, name))

    def test_the_server_and_the_client_share_base_alone(self):
        for path in sources("client"):
            for name in included(path):
                if os.path.exists(os.path.join(TOP, "server", name)) and "/" in name:
                    self.assertEqual(name.split("/")[0], "base", "%s includes %s" % (path, name))

    def test_each_folder_of_the_server_has_tests_of_its_own(self):
        missing = {folder for folder in graph() if not sources("tests/" + folder)}
        self.assertEqual(missing, set())


class Collections(unittest.TestCase):
    """A collection is a row of the table, a file that converts its records, its proto, and the methods and the command that read it.
    No other file may name one: that keeps the cost of one more collection to these."""

    MAY_NAME = {
        "server/model/collection_table.c",  # the row
        "server/record/record_kinds.c",     # which file converts it
        "server/okta/allowed_list.c",       # the requests that we may send to Okta
        "server/okta/bucket.c",             # Okta's own list of rate limits
        "server/service/directory.c",       # its methods
        "client/cmd/users.c",               # its command
        "client/cmd/logins.c",
        "client/cmd/collection.c",          # which collection is the log
        "server/store/meta.c",              # names of tables on disk, in the first format
        "server/backup/manifest.c",         # the name of their count in a backup's manifest
        "server/service/stream/filter.c",   # `users` is a field of the login filter here, not the collection
    }

    def test_nothing_else_names_one(self):
        table = read("server/model/collection_table.c")
        names = re.findall(r'\.name = "(\w+)"', table)
        paths = re.findall(r'\.path = "([^"]+)"', table)
        self.assertEqual(names, ["logins", "users"])
        named = re.compile("|".join(['"%s"' % name for name in names] + ['"%s[?"]' % path for path in paths] +
                                    [r"\bCOLLECTION_%s\b" % name.upper() for name in names]))
        for path in sources("server", "client"):
            if path not in self.MAY_NAME:
                code = re.sub(r"/\*.*?\*/", "", read(path), flags=re.S)
                self.assertEqual(named.findall(code), [], path)

    def test_what_is_collected_may_be_asked_for(self):
        allowed = read("server/okta/allowed_list.c")
        for path in re.findall(r'\.path = "([^"]+)"', read("server/model/collection_table.c")):
            self.assertIn('"%s"' % path, allowed)


class Readme(unittest.TestCase):
    def test_the_first_page_is_short(self):
        self.assertLessEqual(read("README.md").count("\n"), 150)

    def test_links_lead_somewhere(self):
        for folder, folders, files in os.walk(TOP):
            folders[:] = [f for f in folders if not f.startswith("bazel-") and f not in ("node_modules", ".git")]
            for path in (os.path.join(folder, name) for name in files if name.endswith(".md")):
                with open(path, encoding="utf-8") as f:
                    for link in re.findall(r"\]\(([^)#]+)\)", f.read()):
                        self.assertTrue("://" in link or os.path.exists(os.path.join(folder, link)), "%s links to %s" % (path, link))


if __name__ == "__main__":
    unittest.main(verbosity=2)
