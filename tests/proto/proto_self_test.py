#!/usr/bin/env python3
"""The proto check sees every kind of break, and none where there is none."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import proto_listing  # noqa: E402
import proto_test  # noqa: E402

TEXT = """
syntax = "proto3";
package a.v1;
import "b.proto";
service S {
  // A comment with a ; and a }.
  rpc Call(stream Request) returns (Reply) {
    option (access) = {role: READ, inner: {a: "}"}};
  }
}
extend google.protobuf.MethodOptions { Request access = 50; }
message Request {
  reserved 5 to 15;
  optional uint32 limit = 1;  // 10
  oneof query { bytes data = 2 [deprecated = true]; b.Point point = 3; }
  map<string, string> labels = 4;
  enum State { STATE_UNSPECIFIED = 0; STATE_ON = 1; }
  repeated State states = 16;
}
message Reply {}
"""


class ProtoListing(unittest.TestCase):
    def gone(self, old: str, new: str) -> list[str]:
        changed = TEXT.replace(old, new)
        self.assertNotEqual(changed, TEXT)
        return proto_test.compare(proto_listing.listing(TEXT), proto_listing.listing(changed))[0]

    def test_everything_is_listed(self):
        self.assertEqual(proto_listing.listing(TEXT), [
            "a.v1.S/Call (stream Request) returns (Reply)",
            "google.protobuf.MethodOptions.access = 50 Request in a.v1",
            "a.v1.Request reserved 5 to 15",
            "a.v1.Request.limit = 1 optional uint32",
            "a.v1.Request.data = 2 bytes oneof query",
            "a.v1.Request.point = 3 b.Point oneof query",
            "a.v1.Request.labels = 4 map < string , string >",
            "a.v1.Request.State.STATE_UNSPECIFIED = 0 enum value",
            "a.v1.Request.State.STATE_ON = 1 enum value",
            "a.v1.Request.states = 16 repeated State",
        ])

    def test_a_removed_field_is_seen(self):
        self.assertEqual(self.gone("optional uint32 limit = 1;", ""),
                         ["a.v1.Request.limit = 1 optional uint32"])

    def test_a_renumbered_field_is_seen(self):
        self.assertEqual(self.gone("limit = 1", "limit = 17"),
                         ["a.v1.Request.limit = 1 optional uint32"])

    def test_a_retyped_field_is_seen(self):
        self.assertEqual(len(self.gone("optional uint32 limit", "optional sint32 limit")), 1)

    def test_a_field_moved_out_of_its_oneof_is_seen(self):
        self.assertEqual(len(self.gone("b.Point point = 3; }", "} b.Point point = 3;")), 1)

    def test_a_changed_enum_value_is_seen(self):
        self.assertEqual(len(self.gone("STATE_ON = 1", "STATE_ON = 2")), 1)

    def test_a_changed_method_is_seen(self):
        self.assertEqual(len(self.gone("(stream Request)", "(Request)")), 1)

    def test_a_dropped_reservation_is_seen(self):
        self.assertEqual(len(self.gone("reserved 5 to 15;", "")), 1)

    def drop(self, old: str, new: str) -> tuple[list[str], list[str]]:
        """What is gone, and the list after an update, where a change may be made."""
        golden = proto_listing.listing(TEXT)
        current = proto_listing.listing(TEXT.replace(old, new))
        gone, _, dropped = proto_test.compare(golden, current)
        return gone, current + dropped

    def test_a_dropped_field_must_have_number_and_name_reserved(self):
        line = "optional uint32 limit = 1;"
        gone = "a.v1.Request.limit = 1 optional uint32"
        self.assertEqual(self.drop(line, "reserved 1;")[0], [gone])
        self.assertEqual(self.drop(line, 'reserved "limit";')[0], [gone])
        self.assertEqual(self.drop(line, 'reserved 2; reserved "limit";')[0], [gone])
        self.assertEqual(self.drop(line, 'reserved 1; reserved "limit";')[0], [])

    def test_a_dropped_fields_number_is_never_given_out_again(self):
        _, golden = self.drop("optional uint32 limit = 1;", 'reserved 1; reserved "limit";')
        reused = proto_listing.listing(TEXT.replace("uint32 limit = 1;", "string other = 1;"))
        self.assertIn("dropped a.v1.Request.limit = 1 optional uint32",
                      proto_test.compare(golden, reused)[0])
        free = proto_listing.listing(TEXT.replace("optional uint32 limit = 1;", ""))
        self.assertIn("dropped a.v1.Request.limit = 1 optional uint32",
                      proto_test.compare(golden, free)[0])

    def test_a_number_set_aside_may_be_taken_into_use(self):
        self.assertEqual(self.gone("reserved 5 to 15;", "reserved 6 to 15; bool a = 5;"), [])

    def test_a_number_set_aside_may_not_just_be_let_go(self):
        self.assertEqual(self.gone("reserved 5 to 15;", "reserved 6 to 15;"),
                         ["a.v1.Request reserved 5 to 15"])

    def test_a_new_field_breaks_nothing(self):
        self.assertEqual(self.gone("message Reply {}", "message Reply { bytes a = 1; }"), [])


if __name__ == "__main__":
    unittest.main()
