#!/usr/bin/env python3
"""The build fails on a method that does not say who may call it. KITH_ACCESS_TABLE and PROTOC name the
tools; CMake sets them."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
HEAD = """syntax = "proto3";
package kith.v1;
import "kith/v1/access.proto";
message Request {
  string collection = 1; repeated float points = 2; Inner inner = 3; repeated Inner changes = 4;
}
message Inner { string name = 1; bool on = 2; }
message Reply {}
"""


def rpc(method: str) -> str:
    name, _, rule = method.partition(" ")
    option = f"option (access) = {{{rule}}};" if rule else ""
    return f"rpc {name}(Request) returns (Reply) {{ {option} }}"


class AccessTable(unittest.TestCase):
    def make(self, *methods: str) -> tuple[str, str]:
        """The table and the errors for a service of these methods: name and rule, "" for none."""
        return self.run_tool(f"service S {{ {''.join(map(rpc, methods))} }}")

    def run_tool(self, services: str) -> tuple[str, str]:
        with tempfile.TemporaryDirectory(prefix="kith-access-") as folder:
            made = pathlib.Path(folder)
            (made / "one.proto").write_text(HEAD + services, encoding="utf-8")
            subprocess.run([os.environ["PROTOC"], "-I", folder, "-I", str(PROTO), "--include_imports",
                            f"--descriptor_set_out={made / 'one.bin'}", "one.proto"], check=True)
            ran = subprocess.run([os.environ["KITH_ACCESS_TABLE"], str(made / "one.bin"),
                                  str(made / "one.inc")], capture_output=True, text=True, check=False)
            table = made / "one.inc"
            self.assertEqual(ran.returncode == 0, ran.stderr == "", ran.stderr)
            self.assertEqual(ran.returncode == 0, table.exists(), "no table of a wrong proto")
            return table.read_text(encoding="utf-8") if table.exists() else "", ran.stderr

    def test_a_method_with_a_rule_becomes_a_row(self):
        table, errors = self.make('A role: ACCESS_ROLE_READ, collection: "collection", '
                                  'collection: "changes.name", vectors: "points"',
                                  "B role: ACCESS_ROLE_ADMIN, reach: ACCESS_REACH_ALL",
                                  "C role: ACCESS_ROLE_NODE", "D role: ACCESS_ROLE_ANYONE")
        self.assertIn('{"A", "kith.v1.S", "kith.v1.Request", auth::Role::kRead, Reach::kNamed, '
                      '{"collection", "changes.name"}, {}, {"points"}, {}},', table, errors)
        self.assertIn("auth::Role::kAdmin, Reach::kAll, {}, {}, {}, {}", table)
        table, errors = self.make('A role: ACCESS_ROLE_READ, name: "collection", subject: "inner.name"')
        self.assertIn('auth::Role::kRead, Reach::kNamed, {}, {"collection"}, {}, {"inner.name"}}', table, errors)
        self.assertNotIn('"C"', table)

    def fails(self, method: str, wanted: str):
        _, errors = self.make('Good role: ACCESS_ROLE_READ, collection: "collection"', method)
        self.assertIn(wanted, errors)

    def test_a_method_without_a_rule_fails(self):
        self.fails("Bad", "kith.v1.S.Bad does not say who may call it")
        self.fails('Bad collection: "collection"', "does not say who may call it")

    def test_a_rule_that_cannot_be_checked_fails(self):
        self.fails('Bad role: ACCESS_ROLE_READ, collection: "colection"', "`colection`, which is no string")
        self.fails('Bad role: ACCESS_ROLE_READ, collection: "points"', "`points`, which is no string")
        self.fails('Bad role: ACCESS_ROLE_READ, collection: "inner.nothing"', "which is no string")
        self.fails('Bad role: ACCESS_ROLE_READ, collection: "collection", vectors: "inner.on"',
                   "cannot count `inner.on`")
        self.fails("Bad role: ACCESS_ROLE_READ", "must have either")
        self.fails('Bad role: ACCESS_ROLE_READ, collection: "collection", reach: ACCESS_REACH_ALL',
                   "must have either")
        self.fails('Bad role: ACCESS_ROLE_READ, name: "collection", reach: ACCESS_REACH_SOME',
                   "must have either")
        self.fails('Bad role: ACCESS_ROLE_READ, name: "points"', "`points`, which is no string")
        self.fails('Bad role: ACCESS_ROLE_READ, collection: "collection", subject: "points"',
                   "is about `points`, which is no string")
        self.fails("Bad role: ACCESS_ROLE_NODE, reach: ACCESS_REACH_ALL", "is for nodes alone")

    def test_a_collection_that_the_rule_forgets_fails(self):
        self.fails('Bad role: ACCESS_ROLE_READ, collection: "inner.name"',
                   "has a field `collection` that its rule leaves out")

    def test_a_collection_within_that_the_rule_forgets_fails(self):
        rule = 'role: ACCESS_ROLE_READ, name: "others.name"'
        _, errors = self.run_tool("""
            message Outer { repeated Filter filters = 1; repeated Inner others = 2; }
            message Filter { repeated Filter filters = 1; Request request = 2; }
            service S { rpc Bad(Outer) returns (Reply) { option (access) = {%s}; } }""" % rule)
        self.assertIn("has a field `filters.request.collection` that its rule leaves out", errors)

    def test_two_methods_of_one_name_fail(self):
        one = rpc('A role: ACCESS_ROLE_READ, collection: "collection"')
        _, errors = self.run_tool(f"service S {{ {one} }} service T {{ {one} }}")
        self.assertIn("has the name of kith.v1.S.A", errors)


if __name__ == "__main__":
    sys.exit(unittest.main())
