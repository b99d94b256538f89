"""Builds and searches a collection of a given size, step by step: see run.sh."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import time

import report
from server import CeilingMet, Server, directory_bytes
from state import State

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("KITH_BUILD_DIR", ROOT / "build/release")).resolve() / "bin"
COLLECTION = "scale"
K = 10
TRUTH_K = 100
SEED = 7
# Of what the server plans for the disk at rest (which counts its own overhead of a point): its log,
# files that are merged into others and the segments of a training are there beside it for a while.
DISK_FACTOR = 1.2
DISK_SPARE = 1 << 30
UPSERT_POINTS = 256
WRITTEN_MOST = 1_000_000  # points that are written over and over, from the first on


def stop_with(text: str) -> None:
    raise SystemExit(f"scale: {text}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/scale/run.sh")
    parser.add_argument("--points", type=int, required=True)
    parser.add_argument("--dim", type=int, required=True)
    parser.add_argument("--dtype", choices=("u8", "f32"), required=True)
    parser.add_argument("--json", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--base", type=pathlib.Path)
    parser.add_argument("--queries", type=pathlib.Path)
    parser.add_argument("--truth", type=pathlib.Path)
    parser.add_argument("--metric", choices=("l2", "ip", "cosine"), default="l2")
    parser.add_argument("--memory-gib", type=float, default=0)
    parser.add_argument("--queries-count", type=int, default=1000)
    parser.add_argument("--targets", default="0.8,0.9,0.95,0.99")
    parser.add_argument("--load-seconds", type=float, default=20)
    parser.add_argument("--lists", type=int, default=0)
    parser.add_argument("--writes", type=int, default=0)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    if options.points < 1000:
        parser.error("--points must be at least 1000: fewer train no index")
    if not 1 <= options.dim <= 4096:
        parser.error("--dim must be 1 to 4096")
    if bool(options.base) != bool(options.queries):
        parser.error("--base and --queries go together")
    if options.truth and not options.base:
        parser.error("--truth is of a --base; drawn vectors get their own")
    if options.writes < 0:
        parser.error("--writes must not be negative; 0 writes nothing")
    if options.lists < 0:
        parser.error("--lists must not be negative; 0 leaves them to the server")
    if options.memory_gib < 0:
        parser.error("--memory-gib must not be negative; 0 is no ceiling")
    if not options.json.resolve().parent.is_dir():
        parser.error(f"--json: there is no folder {options.json.resolve().parent}")
    if options.data is None:
        options.data = ROOT / "build/scale" / f"{options.points}-{options.dim}-{options.dtype}"
    options.data = options.data.resolve()
    return options


def check_given(options: argparse.Namespace) -> None:
    """A given binary file says itself what it holds."""
    for path, rows in ((options.base, options.points), (options.queries, None)):
        if path is None:
            continue
        if path.suffix not in (".fbin", ".u8bin"):
            stop_with(f"{path}: give a .fbin or .u8bin file")
        with path.open("rb") as file:
            head = file.read(8)
        if len(head) < 8:
            stop_with(f"{path}: has no header")
        found_rows, found_dim = struct.unpack("<II", head)
        dtype = "u8" if path.suffix == ".u8bin" else "f32"
        if found_dim != options.dim or dtype != options.dtype or rows not in (None, found_rows):
            stop_with(f"{path}: holds {found_rows} x {found_dim} {dtype}, which is not what --points, "
                      "--dim and --dtype say")


class Run:
    """The stages, each skipped where it is done."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        if options.fresh and (options.data / "state.json").exists():
            shutil.rmtree(options.data)
        options.data.mkdir(parents=True, exist_ok=True)
        self.state = State(options.data / "state.json", {
            "points": options.points, "dim": options.dim, "dtype": options.dtype,
            "metric": options.metric, "base": str(options.base or ""),
            "queries": str(options.queries or ""), "queries_count": options.queries_count})
        self.ceiling = int(options.memory_gib * 2**30)
        self.server = Server(BIN / "kithd", options.data / "kithd", self.ceiling, self.state)
        prefix = options.data / "drawn"
        ending = "u8bin" if options.dtype == "u8" else "fbin"
        self.base = options.base or prefix.with_name("drawn.base.kgen")
        self.queries = options.queries or prefix.with_name(f"drawn.query.{ending}")
        self.truth = options.truth or options.data / "truth.ibin"

    def kith(self, stage, *words: str) -> dict:
        """Runs a command of kith, watching the server; what it wrote with --json."""
        result = self.options.data / "last.json"
        result.unlink(missing_ok=True)
        log = self.options.data / "kith.log"
        with log.open("ab") as err:
            command = subprocess.Popen([str(BIN / "kith"), *words, "--json", str(result)]
                                       if words[0] != "dataset" else [str(BIN / "kith"), *words],
                                       stdin=subprocess.DEVNULL, stdout=err, stderr=err)
        try:
            while command.poll() is None:
                # A look at the server takes time from what is measured: seldom, then.
                time.sleep(1 if words[0] == "bench" else 0.2)
                stage.tick()
                self.server.sample()
        finally:
            if command.poll() is None:
                command.send_signal(signal.SIGINT)
                command.wait()
        if command.returncode != 0:
            tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-6:]
            stop_with(f"`kith {' '.join(words)}` failed:\n  " + "\n  ".join(tail))
        return json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}

    def at(self) -> tuple[str, ...]:
        return ("--endpoint", self.server.endpoint)

    def stage(self, name: str, work) -> None:
        if self.state.done(name):
            print(f"scale: {name}: done before", flush=True)
            return
        timer = self.state.timer(name)
        result = work(timer)
        timer.finish(result)
        print(f"scale: {name}: {self.state.stage(name)['seconds']:.1f} s", flush=True)

    def draw(self, timer) -> dict:
        if not self.options.base:
            self.kith(timer, "dataset", "make", str(self.options.data / "drawn"), "--describe",
                      "--count", str(self.options.points), "--dimension", str(self.options.dim),
                      "--dtype", self.options.dtype, "--seed", str(SEED), "--queries",
                      str(self.options.queries_count))
        return {}

    def compare(self, timer) -> dict:
        if not self.options.truth:
            self.kith(timer, "dataset", "truth", "--base", str(self.base), "--queries",
                      str(self.queries), "--k", str(min(TRUTH_K, self.options.points)), "--metric",
                      self.options.metric, "--count", str(self.options.queries_count), "--out",
                      str(self.truth), "--checkpoint", str(self.options.data / "truth.checkpoint"))
        return {"rows": self.options.points, "queries": self.options.queries_count}

    def plan(self, timer) -> dict:
        plan = self.kith(timer, "collection", "plan", "--dimension", str(self.options.dim), "--dtype",
                         self.options.dtype, "--metric", self.options.metric, "--points",
                         str(self.options.points), *self.at())
        # Rows are mapped, so they may leave memory. A first training needs no room for a second
        # version; the server refuses one that does not fit, with both figures.
        resident = plan["steady_bytes"] - plan["steady"]["rows"]
        if self.ceiling and resident > self.ceiling:
            raise CeilingMet(f"the plan does not fit the ceiling of {self.options.memory_gib:g} GiB: "
                             f"it needs {resident / 2**30:.3g} GiB while it serves")
        plan["empty"] = self.server.memory()
        return plan

    def check_disk(self) -> None:
        plan = self.state.stage("plan")["result"]
        needed = int(plan["disk_bytes"] * DISK_FACTOR) + DISK_SPARE
        missing = needed - directory_bytes(self.options.data)
        free = shutil.disk_usage(self.options.data).free
        print(f"scale: needs about {needed / 1e9:.1f} GB of disk ({max(0, missing) / 1e9:.1f} GB more "
              f"than is there already), {free / 1e9:.1f} GB are free; plans "
              f"{plan['steady_bytes'] / 1e9:.2f} GB of memory", flush=True)
        if missing > free:
            stop_with(f"{(missing - free) / 1e9:.1f} GB of disk are missing in {self.options.data}: "
                      "give another --data, or fewer --points")

    def create(self, timer) -> dict:
        listed = self.kith(timer, "collection", "list", *self.at())
        if not any(one["collection"] == COLLECTION for one in listed):
            self.kith(timer, "collection", "create", COLLECTION, "--dimension", str(self.options.dim),
                      "--metric", self.options.metric, "--dtype", self.options.dtype, *self.at())
        return {}

    def load_points(self, timer) -> dict:
        self.kith(timer, "import", COLLECTION, str(self.base), "--batch", "1024", "--in-flight", "8",
                  *self.at())
        found = self.kith(timer, "collection", "get", COLLECTION, *self.at())
        if found["points"] != self.options.points:
            stop_with(f"the collection has {found['points']} points after the import, not "
                      f"{self.options.points}")
        return {"memory": self.server.memory(), "disk_bytes": self.server.disk()}

    def train(self, timer) -> dict:
        # A training that ended while nobody watched need not be done again; one that was cut off
        # left nothing that serves.
        found = self.kith(timer, "collection", "get", COLLECTION, *self.at())
        if not found.get("serving_version"):
            lists = ["--lists", str(self.options.lists)] if self.options.lists else []
            self.kith(timer, "collection", "train", COLLECTION, *lists, *self.at())
        return {"memory": self.server.memory(), "disk_bytes": self.server.disk()}

    def restart(self, timer) -> dict:
        self.server.stop()
        begin = time.monotonic()
        self.server.start()
        return {"ready_s": time.monotonic() - begin, "memory": self.server.memory(),
                "disk_bytes": self.server.disk()}

    def asked(self) -> tuple[str, ...]:
        return ("--collection", COLLECTION, "--queries", str(self.queries), "--truth",
                str(self.truth), "--k", str(K), *self.at())

    def recall(self, timer) -> dict:
        return self.kith(timer, "bench", "recall", *self.asked(), "--targets", self.options.targets)

    def load(self, timer) -> dict:
        """The peak first, from a closed loop; then half of it, in an open one."""
        seconds = str(self.options.load_seconds)
        peak = self.kith(timer, "bench", "load", *self.asked(), "--closed", "4", "--connections", "4",
                         "--warmup", "2", "--duration", str(self.options.load_seconds / 2))
        rate = max(1, peak["achieved_rate"] / 2)
        plot = self.options.json.resolve().with_suffix(".svg")
        half = self.kith(timer, "bench", "load", *self.asked(), "--rate", f"{rate:.1f}",
                         "--connections", "4", "--warmup", "2", "--duration", seconds, "--plot",
                         str(plot))
        served = {"peak": peak, "half": half, "memory": self.server.memory(),
                  "disk_bytes": self.server.disk()}
        if self.options.writes:
            served["writes"] = self.load_beside_writes(timer, rate)
        return served

    def load_beside_writes(self, timer, rate: float) -> dict:
        upserts = self.options.writes / UPSERT_POINTS
        both = rate + upserts
        mix = f"search={rate / both:.9f},upsert:{UPSERT_POINTS}={upserts / both:.9f}"
        return self.kith(timer, "bench", "load", *self.asked(), "--rate", f"{both:.3f}", "--mix", mix,
                         "--upsert-vectors", str(self.written(timer)), "--upsert-rows",
                         str(WRITTEN_MOST), "--connections", "4", "--warmup", "2", "--duration",
                         str(self.options.load_seconds))

    def written(self, timer) -> pathlib.Path:
        """A file of the first points, as they are stored: drawn ones again, now to be kept."""
        if self.options.base:
            return self.options.base
        prefix = self.options.data / "written"
        self.kith(timer, "dataset", "make", str(prefix), "--count",
                  str(min(self.options.points, WRITTEN_MOST)), "--dimension", str(self.options.dim),
                  "--dtype", self.options.dtype, "--seed", str(SEED), "--queries", "1")
        return prefix.with_name(f"written.base{self.queries.suffix}")

    def everything(self) -> None:
        self.stage("draw", self.draw)
        self.server.start()
        self.stage("plan", self.plan)
        self.check_disk()
        self.stage("truth", self.compare)
        self.stage("create", self.create)
        self.stage("import", self.load_points)
        self.stage("train", self.train)
        self.stage("restart", self.restart)
        self.stage("recall", self.recall)
        self.stage("load", self.load)
        self.server.stop()


def main() -> int:
    options = parse()
    check_given(options)
    for name in ("kith", "kithd"):
        if not (BIN / name).exists():
            stop_with(f"no {BIN / name}: run scripts/build.sh")
    run = Run(options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run.everything()
    except CeilingMet as met:
        stop_with(f"{met}")
    except KeyboardInterrupt:
        stop_with("interrupted; the same command goes on from here")
    finally:
        run.server.stop()
        run.state.save()
    report.write(run.state.values, options)
    if not options.keep:
        shutil.rmtree(options.data / "kithd")
    return 0


if __name__ == "__main__":
    sys.exit(main())
