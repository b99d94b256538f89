"""This machine: cores to pin to, a lock for taking turns, and what a report says of it."""

import contextlib
import fcntl
import os
import pathlib
import platform
import re
import subprocess
import time


def pinned(threads: int) -> list[str]:
    """Begins a command that runs on the first `threads` cores of this process."""
    cores = sorted(os.sched_getaffinity(0))[:threads]
    return ["taskset", "-c", ",".join(map(str, cores))]


def pinned_elsewhere(threads: int) -> list[str]:
    """On the other cores, or on all where there are no others."""
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", ",".join(map(str, cores[threads:] or cores))]


def peer_environment(threads: int) -> dict[str, str]:
    """Fixed numbers of threads in OpenMP and BLAS, and no leftover settings of either."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("OPENBLAS_", "OMP_", "GOMP_", "MKL_", "FAISS_"))}
    count = str(threads)
    return kept | {"OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count,
                   "OMP_WAIT_POLICY": "active" if threads > 1 else "passive",
                   "PYTHONDONTWRITEBYTECODE": "1"}


class Turns:
    """A file that is locked while something is built or measured, where several share a machine. It
    is let go between two such things once it was held for a while. Without a file nobody waits."""

    _HOLD_S = 200

    def __init__(self, path: pathlib.Path | None):
        self._path = path
        self._file = None
        self._since = 0.0

    @contextlib.contextmanager
    def take(self):
        if self._path is not None and self._file is None:
            self._file = self._path.open("a", encoding="ascii")
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._since = time.monotonic()
        try:
            yield
        finally:
            if time.monotonic() - self._since > self._HOLD_S:
                self.release()

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            time.sleep(0.5)  # whoever waits is next


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def describe() -> dict:
    cpu = dict(
        (part.strip() for part in line.split(":", 1))
        for line in _output("lscpu").splitlines() if ":" in line
    )
    text = pathlib.Path("/proc/meminfo").read_text(encoding="ascii")
    memory_gb = int(re.search(r"MemTotal:\s+(\d+)", text)[1]) / 2**20
    avx512 = "with" if "avx512_vbmi" in cpu.get("Flags", "") else "without"
    return {
        "cpu": f"{cpu.get('CPU(s)')} cores of {cpu.get('Model name')} (family "
               f"{cpu.get('CPU family')}, model {cpu.get('Model')}, {avx512} AVX-512 VBMI)",
        "memory_gb": round(memory_gb),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": os.getloadavg()[0],
        "commit": _output("git", "rev-parse", "--short", "HEAD"),
    }
