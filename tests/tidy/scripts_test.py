#!/usr/bin/env python3
"""The scripts parse, refuse what they cannot do, and split data files without losing a vector."""

import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"


def run(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


class Scripts(unittest.TestCase):
    def test_every_script_parses(self):
        for path in [*SCRIPTS.glob("*.sh"), ROOT / ".ci" / "run", ROOT / "bench" / "gpu" / "run.sh"]:
            parsed = run("bash", "-n", str(path))
            self.assertEqual(parsed.returncode, 0, f"{path}: {parsed.stderr}")

    def test_a_cluster_without_a_number_of_shards_is_refused(self):
        for words in (["up"], ["up", "--shards", "0"], ["up", "--shards", "x"], ["sideways"], []):
            refused = run("bash", str(SCRIPTS / "local_cluster.sh"), *words)
            self.assertEqual(refused.returncode, 2, words)
            self.assertEqual(refused.stdout, "")

    def test_without_nvcc_the_kernels_are_said_not_to_have_been_compiled(self):
        done = run("env", "KITH_NVCC=nvcc-of-nobody", "bash", str(SCRIPTS / "check_cuda.sh"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("not compiled", done.stdout)

    def test_kernels_that_do_not_compile_are_a_failure(self):
        with tempfile.TemporaryDirectory() as folder:
            nvcc = pathlib.Path(folder) / "nvcc"
            nvcc.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo 'release 12.8, V1' && exit\n"
                            "echo 'error: no'; exit 1\n")
            nvcc.chmod(0o755)
            done = run("env", f"KITH_NVCC={nvcc}", "bash", str(SCRIPTS / "check_cuda.sh"))
            self.assertEqual(done.returncode, 1, done.stdout)
            nvcc.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo 'release 12.8, V1' && exit\n"
                            "echo \"ptxas info    : Compiling entry function 'f' for 'sm_80'\"\n"
                            "echo '    0 bytes stack frame, 8 bytes spill stores, 8 bytes spill loads'\n")
            done = run("env", f"KITH_NVCC={nvcc}", "bash", str(SCRIPTS / "check_cuda.sh"))
            self.assertEqual(done.returncode, 1, "spills pass")
            nvcc.write_text("#!/bin/sh\necho 'release 12.6, V1'\n")
            done = run("env", f"KITH_NVCC={nvcc}", "bash", str(SCRIPTS / "check_cuda.sh"))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("older than 12.8", done.stdout)

    def test_a_bench_of_the_card_says_in_one_line_that_there_is_none(self):
        bench = str(ROOT / "bench" / "gpu" / "run.sh")
        none = run("env", "PATH=/usr/bin:/bin", "bash", bench, "--json", "/dev/null")
        self.assertEqual(none.returncode, 3, none.stderr)
        self.assertEqual(none.stderr.count("\n"), 1, none.stderr)
        self.assertIn("there is no card", none.stderr)
        for words in ([], ["--json"], ["--parts", "speed", "--json", "x"], ["--points", "many"]):
            self.assertEqual(run("bash", bench, *words).returncode, 2, words)

    def test_fuzzing_names_its_targets_and_refuses_others(self):
        fuzz = str(SCRIPTS / "fuzz.sh")
        listed = run("bash", fuzz, "--list").stdout.split()
        folders = {path.name for path in (ROOT / "tests" / "fuzz" / "corpus").iterdir()}
        self.assertEqual(set(listed), folders, "each target has seeds")
        unknown = run("bash", fuzz, "--target", "nothing", "--seconds", "1")
        self.assertEqual(unknown.returncode, 2)
        self.assertIn("request", unknown.stderr)
        for words in ([], ["--target", "filter"], ["--target", "filter", "--seconds", "soon"]):
            self.assertEqual(run("bash", fuzz, *words).returncode, 2, words)

    def test_a_demo_of_a_file_that_is_absent_is_refused(self):
        refused = run("bash", str(SCRIPTS / "demo.sh"), "/nonexistent/vectors.fbin")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("/nonexistent/vectors.fbin", refused.stderr)


    def test_a_crash_test_whose_report_cannot_be_written_is_refused_at_once(self):
        refused = run("bash", str(SCRIPTS / "crash_test.sh"), "--mode", "kill", "--json",
                      "/proc/none/report.json")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("/proc/none/report.json cannot be written", refused.stderr)


class PythonVenv(unittest.TestCase):
    """scripts/python_venv.sh with a Python whose pip does what the test says."""

    def make(self, pip: str) -> subprocess.CompletedProcess:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        root = pathlib.Path(holder.name)
        # Answers `-m venv DIR` by a Python that answers `-m pip ...`.
        (root / "python3").write_text(
            "#!/bin/sh\nmkdir -p $3/bin\n"
            f"printf '%s\\n' '#!/bin/sh' '{pip}' >$3/bin/python\nchmod +x $3/bin/python\n",
            encoding="utf-8")
        (root / "python3").chmod(0o755)
        return subprocess.run(
            ["bash", str(SCRIPTS / "python_venv.sh"), str(root / "venv")], capture_output=True,
            text=True, timeout=60, check=False,
            env={**os.environ, "PATH": f"{root}:{os.environ['PATH']}"})

    def test_without_an_index_the_tests_of_the_client_are_skipped_with_a_message(self):
        done = self.make("exit 1")
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertIn("pip reaches no package index", done.stderr)

    def test_a_package_that_the_index_does_not_have_is_a_failure(self):
        done = self.make('case "$*" in *--requirement*) exit 1;; esac')
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_a_client_that_cannot_be_built_is_a_failure(self):
        done = self.make('case "$*" in *clients/python) exit 1;; esac')
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(self.make("exit 0").returncode, 0)

    def test_without_the_environment_the_tests_of_the_client_are_skipped(self):
        done = run("bash", str(ROOT / "tests" / "python_client" / "run.sh"), "/nonexistent")
        self.assertEqual(done.returncode, 77)
        self.assertIn("skipped", done.stderr)

    def test_without_a_folder_it_says_how_it_is_called(self):
        self.assertEqual(run("bash", str(SCRIPTS / "python_venv.sh")).returncode, 2)


class SplitVectors(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def split(self, name: str, content: bytes) -> subprocess.CompletedProcess:
        (self.root / name).write_bytes(content)
        return run(sys.executable, str(SCRIPTS / "split_vectors.py"), str(self.root / name),
                   str(self.root))

    def test_the_last_vectors_of_a_u8bin_become_queries(self):
        rows = [bytes([i % 251, i // 251]) for i in range(20_000)]
        done = self.split("in.u8bin", struct.pack("<II", 20_000, 2) + b"".join(rows))
        self.assertEqual(done.stdout.split(), ["19000", "2", "u8", "u8bin"], done.stderr)
        self.assertEqual((self.root / "base.u8bin").read_bytes(),
                         struct.pack("<II", 19_000, 2) + b"".join(rows[:19_000]))
        self.assertEqual((self.root / "queries.u8bin").read_bytes(),
                         struct.pack("<II", 1_000, 2) + b"".join(rows[19_000:]))

    def test_a_small_fvecs_gives_a_tenth(self):
        rows = [struct.pack("<i3f", 3, i, i, i) for i in range(300)]
        done = self.split("in.fvecs", b"".join(rows))
        self.assertEqual(done.stdout.split(), ["270", "3", "f32", "fvecs"], done.stderr)
        self.assertEqual((self.root / "queries.fvecs").read_bytes(), b"".join(rows[270:]))

    def test_too_few_to_train_on_are_refused_with_the_reason(self):
        refused = self.split("few.fvecs", struct.pack("<i3f", 3, 0, 0, 0) * 299)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("at least 300 are needed, because", refused.stderr)

    def test_files_that_lie_are_refused(self):
        for name, content in (
                ("a.fbin", struct.pack("<II", 100, 2) + bytes(8 * 99)),
                ("b.fbin", b"\1\0\0\0"),
                ("c.fvecs", struct.pack("<i3f", 3, 0, 0, 0) * 20 + b"x"),
                ("d.fvecs", struct.pack("<i", -1) * 20),
                ("e.fbin", struct.pack("<II", 9, 1) + bytes(36)),
                ("f.npy", bytes(100))):
            refused = self.split(name, content)
            self.assertEqual(refused.returncode, 1, name)
            self.assertIn(name, refused.stderr)
            self.assertEqual(refused.stdout, "", name)


if __name__ == "__main__":
    unittest.main()
