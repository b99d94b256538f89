#!/usr/bin/env python3
"""bench/scale in small: it survives being killed anywhere, and says what is too little."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from kithd_process import ROOT, run

POINTS = 60_000
RUN = str(ROOT / "bench/scale/run.sh")


class Scale(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="kith-scale-")
        self.addCleanup(holder.cleanup)
        self.addCleanup(self.kill_servers)
        self.folder = pathlib.Path(holder.name)
        self.data = self.folder / "data"
        self.json = self.folder / "scale.json"

    def words(self, *more: str) -> list[str]:
        return [RUN, "--points", str(POINTS), "--dim", "16", "--dtype", "u8", "--json",
                str(self.json), "--data", str(self.data), "--queries-count", "100",
                "--load-seconds", "1", "--targets", "0.9", *more]

    def stages(self) -> dict:
        try:
            return json.loads((self.data / "state.json").read_text(encoding="utf-8"))["stages"]
        except FileNotFoundError:
            return {}

    def kill_after(self, stage: str) -> None:
        """Starts a run and kills all of it without notice soon after it has begun that stage."""
        with subprocess.Popen(self.words(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True) as scale:
            end = time.monotonic() + 120
            while stage not in self.stages():
                self.assertIsNone(scale.poll(), f"ended before {stage}")
                self.assertLess(time.monotonic(), end)
                time.sleep(0.02)
            time.sleep(0.2)
            for server in self.servers():
                self.assertEqual(os.getsid(server), scale.pid, "cores are shared by session")
                self.assertNotEqual(os.getpgid(server), scale.pid)
            os.killpg(scale.pid, signal.SIGKILL)

    def kill_servers(self) -> None:
        for process in self.servers():
            os.kill(process, signal.SIGKILL)
            while process in self.servers():
                time.sleep(0.02)

    def servers(self) -> list[int]:
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if str(self.data).encode() in (entry / "cmdline").read_bytes() \
                        and (entry / "exe").resolve().name == "kithd":
                    found.append(int(entry.name))
            except (OSError, ValueError):
                pass
        return found

    def test_a_run_killed_in_each_long_stage_goes_on_and_ends_well(self):
        # The server is in a process group of its own. It dies, too, or goes on alone: both happen.
        for stage, server_dies in (("truth", False), ("import", True), ("train", True),
                                   ("recall", False)):
            self.kill_after(stage)
            if server_dies:
                self.kill_servers()
        done = run(*self.words("--writes", "2560"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("draw: done before", done.stdout)
        found = json.loads(self.json.read_text(encoding="utf-8"))
        self.assertEqual(found["points"], POINTS)
        self.assertEqual(found["runs"], 5)
        self.assertGreater(found["recall"][0]["recall"], 0.8)
        self.assertGreater(found["load_half"]["recall"], 0.8)
        self.assertEqual(found["load_half"]["failed"], 0)
        writes = {kind["kind"]: kind for kind in found["load_writes"]["kinds"]}
        self.assertGreater(writes["search"]["recall"], 0.8)
        self.assertGreater(writes["upsert:256"]["answered"], 0)
        self.assertEqual(writes["upsert:256"]["failed"], 0)
        self.assertGreater(found["bytes_per_vector_disk"], 16)
        self.assertGreaterEqual(found["peaks"]["resident_bytes"],
                                found["memory_serving"]["anonymous"])
        self.assertIn("recall@10", self.json.with_suffix(".md").read_text(encoding="utf-8"))
        self.assertTrue(self.json.with_suffix(".svg").exists())
        self.assertFalse((self.data / "kithd").exists(), "without --keep nothing large is left")
        self.assertEqual(self.servers(), [])

    def test_too_little_memory_ends_with_the_ceiling_named(self):
        done = run(*self.words("--memory-gib", "0.005"))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("ceiling", done.stderr)
        self.assertIn("0.005 GiB", done.stderr)
        self.assertEqual(self.servers(), [])

    def test_settings_that_make_no_sense_are_refused(self):
        for more in (("--points", "5"), ("--base", "x.u8bin"), ("--dim", "0")):
            self.assertEqual(run(*self.words(*more)).returncode, 2, more)
        self.assertFalse(self.json.exists())
        bad = self.folder / "bad.u8bin"
        bad.write_bytes(bytes((1, 0, 0, 0, 16, 0, 0, 0)) + bytes(16))
        done = run(*self.words("--base", str(bad), "--queries", str(bad)))
        self.assertEqual(done.returncode, 1)
        self.assertIn("holds 1 x 16 u8", done.stderr)

    def test_a_run_of_other_settings_is_not_mixed_with_one_that_was_begun(self):
        self.kill_after("plan")
        done = run(*self.words("--metric", "cosine"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("other settings", done.stderr)


if __name__ == "__main__":
    unittest.main()
