"""Kith through gRPC: kithd with everything in one process, asked by `kith bench recall` on loopback.

kithd has as many search threads as the libraries and is pinned to the same cores; the client runs on
the other cores where there are any, else on the same."""

import contextlib
import http.client
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import machine
from index_cache import NotRun, Tools
from library_peer import Load
from vector_files import VectorFile, write_slice

COLLECTION = "peers"


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Server:
    """A kithd over a folder, on free ports."""

    def __init__(self, tools: Tools, folder: pathlib.Path, threads: int, pin: list[str]):
        grpc_port, self._http_port = _free_ports(2)
        self.endpoint = f"127.0.0.1:{grpc_port}"
        self._log = folder / "kithd.log"
        environment = machine.peer_environment(threads) | {"KITH__SEARCH__THREADS": str(threads)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*pin, str(tools.kith_bin / "kithd"), "--data", str(folder / "data"),
                 "--listen", self.endpoint, "--http", f"127.0.0.1:{self._http_port}"],
                stdout=log, stderr=log, env=environment)
        self._await_ready()

    def _await_ready(self) -> None:
        end = time.monotonic() + 300
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", self._http_port, timeout=2)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200 and self._process.poll() is None:
                    return
            time.sleep(0.02)
        self.stop()
        raise NotRun(f"kithd did not become ready; its log is {self._log}")

    def resident_bytes(self) -> int:
        text = pathlib.Path(f"/proc/{self._process.pid}/smaps_rollup").read_text(encoding="ascii")
        return next(int(line.split()[1]) * 1024 for line in text.splitlines()
                    if line.startswith("Rss:"))

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _kith(tools: Tools, *words: str) -> None:
    done = subprocess.run([str(tools.kith_bin / "kith"), *words], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"kith {words[0]} ended with an error"]
        raise NotRun(said[-1])


def build(tools: Tools, base: VectorFile, folder: pathlib.Path, threads: int) -> dict:
    """Imports and trains; the server's folder stays. Seconds from the first row to serving."""
    server = Server(tools, folder, threads, [])
    try:
        at = ("--endpoint", server.endpoint)
        _kith(tools, "collection", "create", COLLECTION, "--dimension", str(base.dimension),
              "--metric", "l2", "--dtype", base.dtype, *at)
        begin = time.perf_counter()
        _kith(tools, "import", COLLECTION, str(base.path), "--restart", "--progress-dir",
              str(folder / "progress"), *at)
        _kith(tools, "collection", "train", COLLECTION, *at)
        return {"build_s": time.perf_counter() - begin}
    finally:
        server.stop()


class GrpcPeer:
    def __init__(self, tools: Tools, folder: str, load: Load):
        self._tools = tools
        self._folder = pathlib.Path(folder)
        self._load = load
        self._slices = pathlib.Path(tempfile.mkdtemp(prefix="slices-", dir=tools.work))
        self._server = None
        self._empty_bytes = None

    def start(self) -> dict:
        pin = machine.pinned(self._load.threads)
        if self._empty_bytes is None:
            self._empty_bytes = self._measure_empty(pin)
        self._server = Server(self._tools, self._folder, self._load.threads, pin)
        return {"description": "kithd, all roles in one process, kith bench recall on loopback"}

    def _measure_empty(self, pin: list[str]) -> int:
        empty = pathlib.Path(tempfile.mkdtemp(prefix="empty-", dir=self._tools.work))
        server = Server(self._tools, empty, self._load.threads, pin)
        try:
            return server.resident_bytes()
        finally:
            server.stop()
            shutil.rmtree(empty)

    def measure(self, parameters: dict, first: int, count: int) -> dict:
        queries = self._slice(self._load.queries, first, count)
        truth = self._slice(self._load.truth, first, count)
        report = self._slices / "report.json"
        words = [f"--{name.replace('_', '-')}={value}" for name, value in parameters.items()]
        command = [*machine.pinned_elsewhere(self._load.threads),
                   str(self._tools.kith_bin / "kith"), "bench", "recall",
                   "--endpoint", self._server.endpoint, "--collection", COLLECTION,
                   "--queries", str(queries), "--truth", str(truth), "--k", "10",
                   "--threads", str(self._load.threads), "--batch", str(self._load.batch),
                   "--json", str(report), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotRun(done.stderr.strip().splitlines()[-1])
        got = json.loads(report.read_text(encoding="utf-8"))
        return {"recall": got["recall"], "qps": got["qps"], "p50_ms": got["p50_ms"]}

    def memory(self) -> int:
        return self._server.resident_bytes() - self._empty_bytes

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._slices, ignore_errors=True)

    def _slice(self, source: pathlib.Path, first: int, count: int) -> pathlib.Path:
        target = self._slices / f"{first}-{count}{source.suffix}"
        if not target.exists():
            write_slice(source, target, slice(first, first + count))
        return target
