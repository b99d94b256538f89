"""A kithd over a directory that may be damaged, and what it says. KITHD, KITH and DAMAGE_PROBE name
the binaries."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration" / "process"))

from kithd_process import PATIENCE_S, Server  # noqa: E402

# Small enough for many of them; nothing that happens by the clock. The log has files of its own
# after a megabyte.
_SETTINGS = {"SEARCH__THREADS": "1", "MAINTENANCE__ENCODE_THREADS": "1", "RECALL__ONE_IN": "0",
             "STORAGE__DISK_RESERVE_MB": "1", "STORAGE__CHECKPOINT_SECONDS": "86400",
             "STORAGE__LOG_BUFFER_MB": "1"}


def start(folder: pathlib.Path, scratch: pathlib.Path) -> Server:
    environment = {"KITH__" + key: value for key, value in _SETTINGS.items()}
    return Server(scratch, "--listen", "127.0.0.1:0", "--data", str(folder),
                  environment=environment)


def await_outcome(server: Server) -> int | None:
    """The exit code, or none once the server says how far it is ready."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        code = server.process.poll()
        if code is not None:
            return code
        text = server.text()
        if any(f"event={word}" in text for word in ("ready", "ready_in_part", "not_ready")):
            return None
        time.sleep(0.01)
    raise AssertionError(f"neither ready nor ended:\n{server.text()}")


def probe(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([os.environ["DAMAGE_PROBE"], *words], capture_output=True, text=True,
                          timeout=4 * PATIENCE_S, check=False)


def ask(server: Server, size: int) -> dict[str, str]:
    done = probe("ask", server.grpc, str(size))
    if done.returncode != 0:
        raise AssertionError(f"the answers could not be asked for: {done.stderr}")
    return dict(line.split("\t", 1) for line in done.stdout.splitlines())


def fsck(folder: pathlib.Path, *words: str) -> tuple[int, dict]:
    """Its exit code and report."""
    done = subprocess.run([os.environ["KITH"], "fsck", str(folder), "--json", "-", *words],
                          capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False)
    try:
        return done.returncode, json.loads(done.stdout)
    except json.JSONDecodeError:
        raise AssertionError(f"fsck: {done.returncode}\n{done.stdout}{done.stderr}") from None


def copy(whole: pathlib.Path, to: pathlib.Path) -> None:
    """Row files are mostly holes, and stay so."""
    shutil.rmtree(to, ignore_errors=True)
    subprocess.run(["cp", "-a", "--sparse=always", str(whole), str(to)], check=True)


def _expect(done: subprocess.CompletedProcess) -> str:
    if done.returncode != 0:
        raise AssertionError(f"{done.args}: {done.returncode}\n{done.stderr}")
    return done.stdout


def make_whole(folder: pathlib.Path, scratch: pathlib.Path, size: int) -> None:
    """A directory with everything in it: three collections, two of them trained and filtered by
    fields, segments, tombstones, a log that is not in the last checkpoint, no clean end."""
    server = start(folder, scratch)
    try:
        server.await_ready()
        _expect(probe("fill", server.grpc, str(size), "first"))
        if server.stop() != 0:
            raise AssertionError(server.text())
        server = start(folder, scratch)
        server.await_ready()
        _expect(probe("fill", server.grpc, str(size), "second"))
        time.sleep(2.5)  # what is acknowledged is noted beside the log once a second
    finally:
        server.kill()


def make_stopped(whole: pathlib.Path, to: pathlib.Path, scratch: pathlib.Path) -> None:
    """The same directory once kithd was started over it and stopped in order."""
    copy(whole, to)
    server = start(to, scratch)
    try:
        server.await_ready()
        if server.stop() != 0:
            raise AssertionError(server.text())
    finally:
        server.kill()


def answers_of(folder: pathlib.Path, scratch: pathlib.Path, size: int) -> dict[str, str]:
    """The oracle: the answers of a copy of a whole directory, which its points do not contradict."""
    to = scratch / "oracle"
    copy(folder, to)
    server = start(to, scratch)
    try:
        server.await_ready()
        _expect(probe("check", server.grpc, str(size)))
        time.sleep(2)  # the tail is encoded a second after the last write
        return dict(line.split("\t", 1)
                    for line in _expect(probe("check", server.grpc, str(size))).splitlines())
    finally:
        server.kill()
        shutil.rmtree(to)
