"""What a run has done so far, on disk after every step, so that the next one goes on from there."""

import json
import os
import pathlib
import time


class State:
    """Stages by name: whether each is done, the seconds it took over all runs, what it gave."""

    def __init__(self, path: pathlib.Path, config: dict):
        self._path = path
        self.values = {"format": 1, "config": config, "runs": 0, "stages": {}, "peaks": {}}
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            if found.get("format") != 1 or found.get("config") != config:
                raise SystemExit(
                    f"scale: {path} is of a run with other settings:\n  there: "
                    f"{json.dumps(found.get('config'))}\n  here:  {json.dumps(config)}\n"
                    "Give another --data, or --fresh to remove what is there.")
            self.values = found
        self.values["runs"] += 1
        self.save()

    def save(self) -> None:
        partial = self._path.with_suffix(".partial")
        with partial.open("w", encoding="utf-8") as out:
            json.dump(self.values, out, indent=2)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(self._path)

    def stage(self, name: str) -> dict:
        return self.values["stages"].setdefault(name, {"done": False, "seconds": 0.0, "result": {}})

    def done(self, name: str) -> bool:
        return self.stage(name)["done"]

    def raise_peak(self, name: str, value: int) -> None:
        peaks = self.values["peaks"]
        peaks[name] = max(peaks.get(name, 0), value)

    def timer(self, name: str) -> "StageTimer":
        return StageTimer(self, name)


class StageTimer:
    """Adds what has passed to its stage's seconds; `tick` saves it now and then."""

    SAVE_EVERY_S = 5

    def __init__(self, state: State, name: str):
        self._state = state
        self._stage = state.stage(name)
        self._last = self._saved = time.monotonic()

    def tick(self) -> None:
        now = time.monotonic()
        self._stage["seconds"] += now - self._last
        self._last = now
        if now - self._saved > self.SAVE_EVERY_S:
            self._saved = now
            self._state.save()

    def finish(self, result: dict) -> None:
        self.tick()
        self._stage["result"] = result
        self._stage["done"] = True
        self._state.save()
