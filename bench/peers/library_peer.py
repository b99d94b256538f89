"""A process that holds one index of a library and measures it when asked."""

import dataclasses
import json
import pathlib
import subprocess

import machine
from index_cache import NotRun, Tools
from systems import Config


@dataclasses.dataclass(frozen=True)
class Load:
    """What every system is asked, and how."""

    queries: pathlib.Path
    truth: pathlib.Path
    threads: int
    batch: int


class LibraryPeer:
    def __init__(self, tools: Tools, config: Config, folder: str, load: Load):
        where = "--cache" if config.system == "kith" else "--folder"
        self._command = [
            *machine.pinned(load.threads), *tools.worker(config.system, "serve"),
            where, folder, "--queries", str(load.queries), "--truth", str(load.truth),
            "--threads", str(load.threads), "--batch", str(load.batch),
        ]
        self._threads = load.threads if load.batch > 1 else 1
        self._process = None

    def start(self) -> dict:
        """Opens the index. What it says of itself: `description`, and `call_us` where a call has a
        cost that is not the search's."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=machine.peer_environment(self._threads))
        return self._read()

    def measure(self, parameters: dict, first: int, count: int) -> dict:
        return self._ask({"do": "measure", "parameters": parameters, "first": first,
                          "count": count})

    def memory(self) -> int:
        """Bytes of the index: of the process now, less what it had before the index was opened."""
        got = self._ask({"do": "memory"})
        return got["bytes"] - got["empty_bytes"]

    def stop(self) -> None:
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait(timeout=60)
            self._process = None

    def close(self) -> None:
        self.stop()

    def _ask(self, request: dict) -> dict:
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the reason is read below
        return self._read()

    def _read(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            said = self._process.stderr.read().strip().splitlines()
            raise NotRun(said[-1] if said else f"ended with status {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise NotRun(answer["error"])
        return answer
