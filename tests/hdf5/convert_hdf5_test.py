#!/usr/bin/env python3
"""scripts/convert_hdf5.py over small files made here.

    tests/hdf5/convert_hdf5_test.py FOLDER     keeps a virtual environment in FOLDER

Ends with 77 where pip cannot reach what the converter needs.
"""

import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONVERTER = ROOT / "scripts" / "convert_hdf5.py"
REQUIREMENTS = ROOT / "scripts" / "requirements-hdf5.txt"
SKIPPED = 77
IN_VENV = "KITH_HDF5_VENV"


def make_environment(folder: pathlib.Path) -> pathlib.Path | None:
    """The python of a virtual environment with the requirements; none where pip fails."""
    python = folder / "bin" / "python"
    done = folder / "requirements-met"
    if done.exists() and done.read_bytes() == REQUIREMENTS.read_bytes():
        return python
    venv = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True,
                          timeout=120, check=False)
    if venv.returncode != 0:
        print(f"skipped: no virtual environment can be made: {venv.stdout.strip()[-300:]}")
        return None
    pip = subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--retries", "1",
                          "--timeout", "15", "--disable-pip-version-check", "-r",
                          str(REQUIREMENTS)], capture_output=True, text=True, timeout=200,
                         check=False)
    if pip.returncode != 0:
        print(f"skipped: pip cannot install {REQUIREMENTS}: {pip.stderr.strip()[-300:]}")
        return None
    done.write_bytes(REQUIREMENTS.read_bytes())
    return python


class ConvertHdf5(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def make(self, distance="euclidean", **changes) -> pathlib.Path:
        import h5py  # pylint: disable=import-outside-toplevel
        import numpy  # pylint: disable=import-outside-toplevel
        tables = {"train": numpy.arange(60, dtype="f4").reshape(20, 3),
                  "test": numpy.array([[0.5, 1, 2], [30, 31, 32]], dtype="f8"),
                  "neighbors": numpy.array([[0, 1], [10, 9]], dtype="i8"),
                  "distances": numpy.zeros((2, 2), dtype="f4"), **changes}
        path = self.root / "set.hdf5"
        with h5py.File(path, "w") as file:
            file.attrs["distance"] = distance
            for name, value in tables.items():
                if value is not None:
                    file[name] = value
        return path

    def convert(self, path: pathlib.Path) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, str(CONVERTER), str(path), str(self.root / "out")],
                              capture_output=True, text=True, timeout=60, check=False)

    def expect_refused(self, words: str, **changes):
        done = self.convert(self.make(**changes))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(words, done.stderr)
        self.assertIn("set.hdf5", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertEqual(list(self.root.glob("*.partial")), [])

    def test_a_data_set_becomes_base_queries_and_truth(self):
        done = self.convert(self.make("angular"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("metric cosine, 20 vectors of 3 dimensions, 2 queries with 2", done.stdout)
        self.assertIn("--metric cosine", done.stdout)
        self.assertEqual((self.root / "out.base.fbin").read_bytes(),
                         struct.pack("<II", 20, 3) + struct.pack("<60f", *range(60)))
        self.assertEqual((self.root / "out.query.fbin").read_bytes(),
                         struct.pack("<II6f", 2, 3, 0.5, 1, 2, 30, 31, 32))
        self.assertEqual((self.root / "out.truth.ibin").read_bytes(),
                         struct.pack("<II4i", 2, 2, 0, 1, 10, 9))

    def test_what_it_cannot_use_is_refused_by_name(self):
        import numpy  # pylint: disable=import-outside-toplevel
        self.expect_refused('distance is "hamming"', distance="hamming")
        self.expect_refused('no dataset "test"', test=None)
        self.expect_refused('"train" has the shape (0, 3)', train=numpy.zeros((0, 3), "f4"))
        self.expect_refused('"train" holds bool', train=numpy.zeros((20, 3), "?"))
        self.expect_refused("both must have the same", test=numpy.zeros((2, 4), "f4"))
        self.expect_refused("3 rows for 2 queries", neighbors=numpy.zeros((3, 2), "i4"))
        self.expect_refused("row 1 of \"neighbors\"", neighbors=numpy.array([[0, 1], [2, 20]]))
        self.expect_refused("row 0 of \"neighbors\"", neighbors=numpy.array([[0, -1], [2, 3]]))
        broken = numpy.arange(60, dtype="f4").reshape(20, 3)
        broken[7, 1] = numpy.nan
        self.expect_refused('row 7 of "train"', train=broken)
        self.expect_refused('row 1 of "test"', test=numpy.array([[0, 0, 0], [1e39, 0, 0]]))

    def test_a_file_that_is_no_hdf5_is_named(self):
        path = self.root / "set.hdf5"
        path.write_bytes(b"no such thing")
        done = self.convert(path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("set.hdf5", done.stderr)


def main() -> int:
    if os.environ.get(IN_VENV) == "1":
        return unittest.main(argv=sys.argv[:1])
    python = make_environment(pathlib.Path(sys.argv[1]))
    if python is None:
        return SKIPPED
    return subprocess.run([str(python), "-B", *sys.argv], env={**os.environ, IN_VENV: "1"},
                          check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
