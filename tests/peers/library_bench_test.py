#!/usr/bin/env python3
"""kith_library_bench builds an index of bytes and of floats, finds what is near, and refuses what it
cannot do."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROWS, QUERIES, DIMENSION = 6_000, 60, 24


class LibraryBench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.root = pathlib.Path(cls.folder.name)

    def run_program(self, *words: str, text: str = "") -> subprocess.CompletedProcess:
        return subprocess.run(words, input=text, capture_output=True, text=True, timeout=100,
                              check=False)

    def make(self, dtype: str) -> dict[str, str]:
        """Paths of base, queries, truth and an index of them."""
        root = self.root / dtype
        root.mkdir(exist_ok=True)
        ending = "u8bin" if dtype == "u8" else "fbin"
        paths = {"base": f"{root}/d.base.{ending}", "queries": f"{root}/d.query.{ending}",
                 "truth": f"{root}/d.ibin", "cache": f"{root}/index"}
        if (root / "index" / "version").exists():
            return paths
        (root / "index").mkdir(exist_ok=True)
        self.make_files(dtype, paths)
        built = self.run_program(os.environ["LIBRARY_BENCH"], "build", "--base", paths["base"],
                                 "--cache", paths["cache"], "--lists", "64", "--threads", "2")
        self.assertEqual(built.returncode, 0, built.stderr)
        self.assertGreater(json.loads(built.stdout)["build_s"], 0)
        return paths

    def make_files(self, dtype: str, paths: dict[str, str]) -> None:
        kith = os.environ["KITH"]
        for words in (("make", f"{self.root}/{dtype}/d", "--count", str(ROWS), "--dimension",
                       str(DIMENSION), "--dtype", dtype, "--queries", str(QUERIES)),
                      ("truth", "--base", paths["base"], "--queries", paths["queries"], "--k", "10",
                       "--metric", "l2", "--out", paths["truth"])):
            made = self.run_program(kith, "dataset", *words)
            self.assertEqual(made.returncode, 0, made.stderr)

    def serve(self, paths: dict[str, str], requests: list[dict], *more: str) -> list[dict]:
        done = self.run_program(
            os.environ["LIBRARY_BENCH"], "serve", "--cache", paths["cache"], "--queries",
            paths["queries"], "--truth", paths["truth"], *more,
            text="".join(json.dumps(request) + "\n" for request in requests))
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def measure(self, nprobe: int, first: int = 0, count: int = QUERIES, **more: int) -> dict:
        return {"do": "measure", "first": first, "count": count,
                "parameters": {"nprobe": nprobe} | more}

    def test_more_lists_find_more_and_all_of_them_everything(self):
        for dtype in ("u8", "f32"):
            about, few, all_lists = self.serve(
                self.make(dtype), [self.measure(1), self.measure(64, refine=6_000, rerank=6_000)])
            self.assertEqual(about["points"], ROWS)
            self.assertIn("lists=64", about["description"])
            self.assertLess(few["recall"], 0.95, dtype)
            self.assertGreater(few["qps"], 0)
            self.assertEqual(all_lists["recall"], 1.0, dtype)

    def test_threads_and_batches_change_no_answer(self):
        paths = self.make("u8")
        alone = self.serve(paths, [self.measure(2), self.measure(2, 10, 7)])[1:]
        for more in (("--threads", "2"), ("--batch", "7"), ("--threads", "2", "--batch", "64")):
            answers = self.serve(paths, [self.measure(2), self.measure(2, 10, 7)], *more)[1:]
            self.assertEqual([a["recall"] for a in answers], [a["recall"] for a in alone], more)

    def test_memory_grows_with_the_index(self):
        _, memory = self.serve(self.make("u8"), [{"do": "memory"}])
        self.assertGreater(memory["bytes"], memory["empty_bytes"] + ROWS * DIMENSION)

    def test_odd_requests_get_an_error_and_the_next_one_an_answer(self):
        requests = [{"do": "dance"}, self.measure(1, QUERIES, 1), self.measure(1, nlist=3),
                    self.measure(-1), self.measure(1)]
        answers = self.serve(self.make("u8"), requests)[1:]
        for answer, word in zip(answers, ("do:", "60 queries", "nlist", "nprobe:")):
            self.assertIn(word, answer["error"])
        self.assertIn("recall", answers[-1])

    def test_a_damaged_index_and_other_queries_are_refused(self):
        paths = self.make("u8")
        other = self.make("f32")
        done = self.run_program(os.environ["LIBRARY_BENCH"], "serve", "--cache", paths["cache"],
                                "--queries", other["queries"], "--truth", paths["truth"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("--queries", done.stderr)
        (self.root / "damaged").mkdir()
        for name in ("version", "codes", "rows"):
            whole = (pathlib.Path(paths["cache"]) / name).read_bytes()
            (self.root / "damaged" / name).write_bytes(whole[:-1] if name == "rows" else whole)
        done = self.run_program(os.environ["LIBRARY_BENCH"], "serve", "--cache",
                                str(self.root / "damaged"), "--queries", paths["queries"],
                                "--truth", paths["truth"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("damaged/rows", done.stderr)


if __name__ == "__main__":
    unittest.main()
