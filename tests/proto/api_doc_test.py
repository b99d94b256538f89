#!/usr/bin/env python3
"""docs/api.md, which common/base/reasons.h and limits.h point to, lists every reason and no other."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def reasons_of(header: str) -> set[str]:
    return set(re.findall(r'constexpr char k\w+\[\] = "(\w+)"', header))


def rows_of(page: str) -> set[str]:
    errors = page[page.index("## Errors"):page.index("## Limits")]
    return set(re.findall(r"^\| `([A-Z_]+)` \|", errors, re.MULTILINE))


class ApiDoc(unittest.TestCase):
    def test_every_reason_has_a_row_that_says_what_to_do(self):
        header = "".join((ROOT / "common" / folder / "reasons.h").read_text(encoding="utf-8")
                         for folder in ("base", "auth"))
        page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
        self.assertGreater(len(reasons_of(header)), 30)
        self.assertEqual(sorted(reasons_of(header)), sorted(rows_of(page)))

    def test_a_missing_row_and_a_stale_one_are_seen(self):
        page = "## Errors\n| `A_B` | X | do |\n| `OLD` | X | do |\n## Limits\n| `C` | 1 |\n"
        self.assertEqual(rows_of(page), {"A_B", "OLD"})
        self.assertEqual(reasons_of('inline constexpr char kAB[] = "A_B";'), {"A_B"})


if __name__ == "__main__":
    sys.exit(unittest.main())
