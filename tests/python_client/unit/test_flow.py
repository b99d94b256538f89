"""Calls and their repeats, step by step and without a server."""

from typing import Any

import pytest

import kith
from kith import _methods
from kith._flow import Caller, Flow, Send, Sleep
from kith.errors import of_code
from kith.v1 import points_pb2, search_pb2


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Stepper:
    """Makes a flow's calls take `call_s` each and answers them from a list."""

    def __init__(self, outcomes: list[Any], call_s: float = 0.0):
        self.clock = Clock()
        self.caller = Caller(kith.RetryPolicy(first_delay_s=1, delay_max_s=4), self.clock,
                             lambda: 1.0)
        self._outcomes = outcomes
        self._call_s = call_s
        self.timeouts: list[float] = []
        self.pauses: list[float] = []

    def run(self, flow: Flow[Any]) -> Any:
        outcome = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as end:
                return end.value
            outcome = self._take(step)

    def _take(self, step: Send | Sleep) -> Any:
        if isinstance(step, Sleep):
            self.pauses.append(step.seconds)
            self.clock.now += step.seconds
            return None
        self.timeouts.append(step.timeout_s)
        self.clock.now += min(self._call_s, step.timeout_s)
        return self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]


DOWN = of_code("UNAVAILABLE", "down")
UPSERT = points_pb2.UpsertRequest()
WRITTEN = points_pb2.UpsertResponse(written=1)


def test_repeats_and_pauses_end_with_the_calls_time_and_the_last_failure_is_raised() -> None:
    steps = Stepper([DOWN], call_s=0.5)
    with pytest.raises(kith.Unavailable):
        steps.run(steps.caller.call(_methods.SEARCH, search_pb2.SearchRequest(), 1010.0))
    # 0.5 + 1 + 0.5 + 2 + 0.5 is 4.5; after the next pause of 4 it is 9, then the end comes first.
    assert steps.pauses == [1, 2, 4]
    assert steps.timeouts == pytest.approx([10, 8.5, 6, 1.5])
    assert steps.clock.now < 1010


def test_without_a_time_of_the_caller_each_call_has_the_methods() -> None:
    steps = Stepper([search_pb2.SearchResponse()])
    steps.run(steps.caller.call(_methods.SEARCH, search_pb2.SearchRequest(), None))
    assert steps.timeouts == [2]
    assert steps.caller.until({}) is None
    assert steps.caller.until({"timeout_s": None}) is None
    assert steps.caller.until({"timeout_s": 7}) == 1007
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="timeout_s"):
            steps.caller.until({"timeout_s": wrong})


def test_one_attempt_of_a_write_is_short_and_of_a_search_as_long_as_the_server_allows() -> None:
    steps = Stepper([of_code("DEADLINE_EXCEEDED", "hangs"), WRITTEN], call_s=1e9)
    assert steps.run(steps.caller.call(_methods.UPSERT, UPSERT, 1600.0)) is WRITTEN
    assert steps.timeouts == [15, 15]
    steps = Stepper([search_pb2.SearchResponse()])
    steps.run(steps.caller.call(_methods.SEARCH, search_pb2.SearchRequest(), 1600.0))
    assert steps.timeouts == [60]


def test_a_call_whose_time_is_over_is_not_sent() -> None:
    steps = Stepper([WRITTEN])
    with pytest.raises(kith.DeadlineExceeded, match="before the call was sent"):
        steps.run(steps.caller.call(_methods.UPSERT, UPSERT, 1000.0))
    assert steps.timeouts == []


def test_an_answer_with_trouble_is_asked_for_again_until_the_time_is_over() -> None:
    part = points_pb2.UpsertResponse(written=3)
    full = of_code("RESOURCE_EXHAUSTED", "full")
    full.retry_after_s = 1.0

    def trouble(answer: points_pb2.UpsertResponse) -> kith.KithError | None:
        return full if answer.written == 3 else None

    steps = Stepper([part, part, WRITTEN])
    assert steps.run(steps.caller.call(_methods.UPSERT, UPSERT, None, trouble)) is WRITTEN
    assert steps.pauses == [1.25, 1.25]
    steps = Stepper([part])
    assert steps.run(steps.caller.call(_methods.UPSERT, UPSERT, 1003.0, trouble)) is part
    assert steps.pauses == [1.25, 1.25]


def test_a_pause_that_ends_after_the_time_is_not_begun() -> None:
    later = of_code("UNAVAILABLE", "later")
    later.retry_after_s = 30
    steps = Stepper([later])
    with pytest.raises(kith.Unavailable, match="later"):
        steps.run(steps.caller.call(_methods.UPSERT, UPSERT, 1020.0))
    assert steps.pauses == []
