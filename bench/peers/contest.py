"""Tunes every index on some of the queries, then measures the chosen points on the others, the
systems taking turns."""

import dataclasses
import statistics
import sys

import curve
from index_cache import NotRun, Tools
from systems import Config

# Past this a step more costs time and shows nothing.
ENOUGH_RECALL = 0.996
TUNING_SHARE = 10  # one query in so many


@dataclasses.dataclass
class Contestant:
    """One index and what was found of it."""

    config: Config
    build_s: float
    peer: object  # LibraryPeer or GrpcPeer
    description: str = ""
    call_us: float = 0.0
    points: list[dict] = dataclasses.field(default_factory=list)  # parameters, recall, qps of rounds
    index_bytes: int = 0


def say(text: str) -> None:
    print(f"peers: {text}", file=sys.stderr, flush=True)


def sweep(contestant: Contestant, count: int) -> list[dict]:
    """Recall and rate of the settings of an index on the first `count` queries."""
    tuned = []
    for setting in contestant.config.settings:
        before = -1.0
        for step in contestant.config.steps:
            parameters = {contestant.config.step_name: step} | setting
            got = contestant.peer.measure(parameters, 0, count)
            tuned.append({"parameters": parameters} | got)
            if got["recall"] >= ENOUGH_RECALL or 0.5 < got["recall"] < before + 0.0005:
                break
            before = got["recall"]
    return tuned


class Contest:
    def __init__(self, tools: Tools, queries: int, measured: int, rounds: int):
        """Of `queries`, the first ones tune and at most `measured` of the others measure."""
        self._tools = tools
        self._tuning = max(1, queries // TUNING_SHARE)
        self._measured = min(measured, queries - self._tuning)
        self._rounds = rounds
        self._done = 0
        self.not_run: dict[str, str] = {}

    @property
    def protocol(self) -> dict:
        return {"tuning_queries": self._tuning, "measured_queries": self._measured,
                "rounds": self._done}

    def run(self, contestants: list[Contestant], after_round) -> list[Contestant]:
        """Those that could be run, with their points; `after_round` gets them after each round, for
        a run that is ended early."""
        ready = [one for one in contestants if self._guarded(one, self._tune)]
        for turn in range(self._rounds):
            say(f"round {turn + 1} of {self._rounds}")
            ready = [one for one in ready if self._guarded(one, self._measure)]
            self._done = turn + 1
            after_round(ready)
        return ready

    def _guarded(self, one: Contestant, step) -> bool:
        """Takes a turn with the index loaded for it alone."""
        try:
            with self._tools.turns.take():
                about = one.peer.start()
                one.description = about["description"]
                one.call_us = about.get("call_us", 0.0)
                step(one)
            return True
        except NotRun as reason:
            self.not_run[f"{one.config.system} {one.config.name}"] = str(reason)
            say(f"{one.config.system} {one.config.name} not run: {reason}")
            return False
        finally:
            one.peer.stop()

    def _tune(self, one: Contestant) -> None:
        tuned = sweep(one, self._tuning)
        one.points = [{"parameters": point["parameters"], "rounds": []}
                      for point in curve.worth_measuring(tuned)]
        say(f"{one.config.system} {one.config.name}: {len(one.points)} of {len(tuned)} settings "
            f"chosen, recall up to {max(p['recall'] for p in tuned):.4f}")

    def _measure(self, one: Contestant) -> None:
        one.peer.measure(one.points[0]["parameters"], 0, self._tuning)  # warms the caches
        for point in one.points:
            got = one.peer.measure(point["parameters"], self._tuning, self._measured)
            point["recall"] = got["recall"]
            point["rounds"].append(got["qps"])
            point["qps"] = statistics.median(point["rounds"])
        one.index_bytes = max(one.index_bytes, one.peer.memory())
