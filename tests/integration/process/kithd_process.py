"""kithd and kith as processes. KITHD, KITH and PROBE name the binaries; CMake sets them."""

import http.client
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
# A sanitizer build starts slower than any bound that would make sense for a user.
PATIENCE_S = 60


class Server:
    """A kithd on free ports; `grpc`, `http` and `node` are host:port as it logged them."""

    def __init__(self, folder: pathlib.Path, *words: str, environment: dict | None = None):
        self.log = folder / f"kithd-{time.monotonic_ns()}.log"
        self.ended = None
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [os.environ["KITHD"], "--http", "127.0.0.1:0", *words], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, cwd=folder, env={**os.environ, **(environment or {})})

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def _address(self, what: str) -> str:
        found = re.search(rf"event=listening what={what} .*port=(\d+)", self.text())
        if found is None:
            raise AssertionError(f"does not listen for {what}:\n{self.text()}")
        return f"127.0.0.1:{found.group(1)}"

    @property
    def grpc(self) -> str:
        return self._address("clients")

    @property
    def http(self) -> str:
        return self._address("http")

    @property
    def node(self) -> str:
        return self._address("node")

    def page(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.http, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def await_log(self, wanted: str) -> "Server":
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if wanted in self.text():
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"never logged {wanted!r}:\n{self.text()}")

    def await_metric(self, line: str) -> None:
        """Until /metrics has the line: some figures come from a look once a second."""
        end = time.monotonic() + PATIENCE_S
        while line not in self.page("/metrics")[1].split("\n"):
            if time.monotonic() > end:
                raise AssertionError(f"/metrics never has {line!r}")
            time.sleep(0.1)

    def await_ready(self) -> "Server":
        return self.await_log("event=ready")

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def await_end(self) -> int:
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"does not end:\n{self.text()}") from None

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.send(number)
        return self.await_end()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def run(*words: str, environment: dict | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(words, capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False,
                          env={**os.environ, **(environment or {})})


class ProcessTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="kith-process-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def start(self, *words: str, environment: dict | None = None) -> Server:
        server = Server(self.folder, *words, environment=environment)
        self.addCleanup(server.kill)
        return server

    def kith(self, *words: str) -> str:
        """A command that must succeed; its output."""
        done = run(os.environ["KITH"], *words)
        self.assertEqual(done.returncode, 0, f"{words}\n{done.stdout}{done.stderr}")
        return done.stdout

    def make_points(self, count: int) -> None:
        self.kith("dataset", "make", str(self.folder / "made"), "--count", str(count), "--dimension",
                  "16", "--queries", "10", "--threads", "1")

    def fill(self, endpoint: str, *create: str) -> None:
        """A collection `c` of 1,000 points with a trained index."""
        self.make_points(1000)
        at = ("--endpoint", endpoint)
        self.kith("collection", "create", "c", "--dimension", "16", "--metric", "l2", "--dtype",
                  "f32", *create, *at)
        self.assertIn("imported 1,000 rows",
                      self.kith("import", "c", str(self.folder / "made.base.fbin"), *at))
        self.assertIn("serves index version", self.kith("collection", "train", "c", *at))

    def search(self, endpoint: str, *more: str) -> str:
        return self.kith("search", "c", "--queries", str(self.folder / "made.query.fbin"), "--row",
                         "3", "--json", "-", "--endpoint", endpoint, *more)
