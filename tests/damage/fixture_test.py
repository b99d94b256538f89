#!/usr/bin/env python3
"""A directory that a release wrote opens, whatever comes after it, and answers what it answered.

fixture/RELEASE.tar.xz is the directory of a kithd that was killed, RELEASE.answers.xz its thousand
answers. make_fixture.sh adds those of a release; what is there is never made again."""

import pathlib
import tempfile
import unittest

import damage_run
import damaged_server as server_of
import fixtures

BYTES_MAX = 200_000


class Fixtures(unittest.TestCase):
    def test_they_stay_small(self):
        self.assertTrue(fixtures.releases(), "there is no fixture")
        self.assertLess(sum(path.stat().st_size for path in fixtures.FOLDER.iterdir()), BYTES_MAX)

    def test_the_directory_of_each_release_opens_and_answers_as_it_did(self):
        for release in fixtures.releases():
            with self.subTest(release), tempfile.TemporaryDirectory(prefix="kith-fixture-") as folder:
                run = damage_run.Run(pathlib.Path(folder), fixtures.SIZE)
                run.oracle = fixtures.unpack(release, run.data)
                self.assertEqual(len(run.oracle), 1000)
                code, report = server_of.fsck(run.data)
                self.assertEqual((code, report["findings"]), (0, []))
                # Twice: then from what this program wrote over it.
                for _ in range(2):
                    seen = run.observe()
                    self.assertTrue(seen.is_equal, f"{seen.wrong} {seen.errors} {seen.log}")


if __name__ == "__main__":
    unittest.main()
