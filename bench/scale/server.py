"""A kithd under a memory ceiling, watched while it works."""

import os
import pathlib
import re
import resource
import signal
import subprocess
import time

from watched import directory_bytes

READY_S = 3600  # opening 100 million points takes minutes
STOP_S = 1800
RESERVED_NOT_USED = 1 << 30


class CeilingMet(Exception):
    """The server needed more memory than it was given."""


class Server:
    """Starts over `folder`; sample() notes the peaks of memory and disk in the state."""

    DISK_EVERY_S = 2

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path, ceiling: int, state):
        self._binary, self._folder = binary, folder
        self._ceiling, self._state = ceiling, state
        self._log = folder.parent / "kithd.log"
        self._disk_looked = 0.0
        self.process = None
        self.endpoint = ""

    def _end_leftover(self) -> None:
        """Stops a kithd that serves this folder already: of a run that was killed."""
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if (entry / "exe").resolve().name != "kithd" or \
                        str(self._folder).encode() not in words:
                    continue
                os.kill(int(entry.name), signal.SIGTERM)
                end = time.monotonic() + STOP_S
                while entry.exists() and time.monotonic() < end:
                    time.sleep(0.1)
            except (OSError, ValueError):
                continue

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        environment = dict(os.environ)
        if self._ceiling:
            environment["KITH__LIMITS__MEMORY_MB"] = str(self._ceiling >> 20)
        offset = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            # A process group of its own, so that Ctrl-C stops it in order; but the session of the
            # load generator: Linux shares cores between sessions first (autogroup), and then a
            # thread that wakes in one waits for those of the other (docs/decisions/0056).
            self.process = subprocess.Popen(
                [str(self._binary), "--data", str(self._folder), "--listen", "127.0.0.1:0",
                 "--http", "127.0.0.1:0"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment, preexec_fn=self._limit, process_group=0)
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            self.sample()
            with self._log.open("rb") as log:
                log.seek(offset)
                text = log.read().decode(errors="replace")
            if "event=ready" in text:
                port = re.search(r"event=listening what=clients .*port=(\d+)", text).group(1)
                self.endpoint = f"127.0.0.1:{port}"
                return
            time.sleep(0.1)
        raise SystemExit(f"scale: kithd was not ready within {READY_S} s; see {self._log}")

    def _limit(self) -> None:
        # The kernel counts what is reserved, stacks that are hardly used among it: its limit is the
        # backstop against a sudden growth between two samples.
        if self._ceiling:
            limit = self._ceiling + RESERVED_NOT_USED
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    def memory(self) -> dict:
        """Bytes of the process in memory: its own, mapped from files, and together."""
        found = {}
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            for line in status:
                name, _, value = line.partition(":")
                if name in ("RssAnon", "RssFile", "VmRSS"):
                    found[name] = int(value.split()[0]) * 1024
        return {"anonymous": found.get("RssAnon", 0), "mapped": found.get("RssFile", 0),
                "resident": found.get("VmRSS", 0)}

    def sample(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is not None:
            raise CeilingMet(self._how_it_ended())
        memory = self.memory()
        for name, value in memory.items():
            self._state.raise_peak(f"{name}_bytes", value)
        if self._ceiling and memory["anonymous"] > self._ceiling:
            self.process.kill()
            self.process.wait()
            raise CeilingMet(
                f"kithd has {memory['anonymous'] / 2**30:.3g} GiB of its own memory, more than the "
                f"ceiling of {self._ceiling / 2**30:.3g} GiB; it was ended")
        if time.monotonic() - self._disk_looked > self.DISK_EVERY_S:
            self._disk_looked = time.monotonic()
            self._state.raise_peak("disk_bytes", directory_bytes(self._folder))

    def _how_it_ended(self) -> str:
        tail = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
        ended = f"kithd ended by itself (code {self.process.returncode})"
        if self._ceiling:
            ended += (f" under a ceiling of {self._ceiling / 2**30:.3g} GiB: where its log ends with "
                      "a failed allocation, give a higher --memory-gib")
        return ended + "; its log ends:\n  " + "\n  ".join(tail)

    def disk(self) -> int:
        return directory_bytes(self._folder)

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
