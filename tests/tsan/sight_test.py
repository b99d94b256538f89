#!/usr/bin/env python3
"""tests/tsan/run.py reports the races that tests/tsan/tsan_sight.cc plants, and nothing else there.

    tests/tsan/sight_test.py BINARY      the binary of tsan_sight.cc, built with ThreadSanitizer
"""

import pathlib
import subprocess
import sys
import unittest

import run

RUN = pathlib.Path(__file__).with_name("run.py")
BINARY = sys.argv.pop()

_LIBRARY = """WARNING: ThreadSanitizer: data race (pid=1)
  Write of size 8 at 0x7b84 by thread T2 (mutexes: write M5):
    #0 operator delete(void*, unsigned long) tsan_new_delete.cpp:150 (libtsan.so.2+0x86c3d)
    #1 rocksdb::Version::Unref() <null> (librocksdb.so.7.8+0x543106)

  Previous read of size 8 at 0x7b84 by thread T18:
    #0 memcmp sanitizer_common_interceptors.inc:891 (libtsan.so.2+0x63d04)
    #1 {caller} <null> ({module}+0x79af10)
    #2 kith::shard::Resolver::Lookup() resolver.cc:102 (some_test+0x2145cb)
"""


def cases() -> list[str]:
    listed = subprocess.run([BINARY, "--gtest_list_tests"], capture_output=True, text=True, check=True)
    return [line.strip() for line in listed.stdout.splitlines() if line.startswith("  ")]


class Sight(unittest.TestCase):
    def test_planted_races_are_reported_and_ordered_accesses_are_not(self):
        planted = 0
        for case in cases():
            with self.subTest(case):
                done = subprocess.run([sys.executable, RUN, BINARY, f"--gtest_filter=*.{case}"],
                                      capture_output=True, text=True, timeout=120, check=False)
                is_planted = case.endswith("Reported")
                planted += is_planted
                expected = run.REPORTED if is_planted else 0
                self.assertEqual(done.returncode, expected, done.stdout + done.stderr)
        self.assertEqual(planted, 7)

    def test_what_one_library_did_is_not_ours(self):
        report = _LIBRARY.format(caller="<null>", module="librocksdb.so.7.8")
        self.assertFalse(run.is_ours(report, "some_test"))

    def test_a_template_of_the_standard_library_is_its_callers(self):
        template = "    #0 std::string::_M_dispose() /usr/include/c++/12/bits/basic_string.h:286 (some_test+0x1)\n"
        head = "  Write of size 8 at 0x7b84 by thread T1:\n"
        theirs = head + template + "    #1 rocksdb::Purge() <null> (librocksdb.so.7.8+0x1)\n"
        ours = head + template + "    #1 kith::Change() ../../shard/change.cc:1 (some_test+0x2)\n"
        self.assertFalse(run.is_ours(theirs, "some_test"))
        self.assertTrue(run.is_ours(ours, "some_test"))

    def test_what_a_library_calls_of_ours_is_ours(self):
        ours = ("  Previous write of size 8 at 0x7b84 by thread T1:\n"
                "    #0 kith::Change() change.cc:1 (some_test+0x1)\n"
                "    #1 rocksdb::CallsBack() <null> (librocksdb.so.7.8+0x1)\n")
        report = ours + ours.replace("Previous write", "Write").replace("T1", "T2")
        self.assertTrue(run.is_ours(report, "some_test"))

    def test_a_report_whose_stacks_were_lost_is_ours(self):
        self.assertTrue(run.is_ours("FATAL: ThreadSanitizer: unexpected memory mapping\n", "some_test"))


if __name__ == "__main__":
    unittest.main()
