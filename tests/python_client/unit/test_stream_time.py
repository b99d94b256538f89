"""When stream_upsert gives up, step by step and without a server."""

from typing import Any

import numpy as np
import pytest

import kith
from kith._collections import Collections
from kith._flow import Caller, Send, Sleep
from kith._stream import Streams
from kith._stream_steps import Emit, NoMore, Open, Put, Receive, Take
from kith.options import StreamUpsertOptions
from kith.v1 import collections_pb2, points_pb2, types_pb2

ROWS = np.zeros((1, 4), np.float32)
SHAPE = collections_pb2.Collection(dimension=4, metric=types_pb2.METRIC_L2,
                                   element_type=types_pb2.ELEMENT_TYPE_F32)


class Slow:
    """A caller who takes his time, and a server that answers so many messages."""

    def __init__(self, batches: int, answers: int):
        self.now = 1000.0
        self.caller_s = self.answer_s = 0.0
        self.asks_s = 10.0  # the server answers who waits so long
        self.rows = ROWS
        self.batches, self.answers = batches, answers
        self.sent: list[Any] = []
        self.opened = 0
        self._streams = Streams(Caller(kith.RetryPolicy(first_delay_s=1, delay_max_s=4),
                                       lambda: self.now, lambda: 1.0), self._collections())

    def _collections(self) -> Collections:
        return Collections(Caller(kith.RetryPolicy(), lambda: self.now))

    def run(self, options: StreamUpsertOptions) -> int:
        flow = self._streams.upsert("c", options)
        outcome: Any = None
        emitted = 0
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration:
                return emitted
            emitted += isinstance(step, Emit)
            outcome = self._carry(step)

    def _carry(self, step: Any) -> Any:
        if isinstance(step, Send):
            return SHAPE
        if isinstance(step, (Take, Emit)):
            self.now += self.caller_s
        if isinstance(step, Take):
            self.batches -= 1
            return self.rows if self.batches >= 0 else NoMore()
        if isinstance(step, Open):
            self.opened += 1
        if isinstance(step, Put) and step.message is not None:
            self.sent.append(step.message)
        if isinstance(step, Sleep):
            self.now += step.seconds
        if isinstance(step, Receive) and self.answers > 0 and self.sent and step.seconds >= self.asks_s:
            self.answers -= 1
            self.now += self.answer_s
            return points_pb2.StreamUpsertResponse(
                sequence=self.sent.pop(0).sequence, upsert=points_pb2.UpsertResponse(written=1))
        if isinstance(step, Receive):
            self.now += step.seconds
        return None


def test_the_callers_own_time_is_not_the_servers() -> None:
    slow = Slow(batches=20, answers=20)
    slow.caller_s = 500
    assert slow.run({}) == 20
    assert slow.opened == 1


def test_each_message_that_is_answered_buys_the_next_its_minute() -> None:
    slow = Slow(batches=2, answers=20)
    slow.answer_s = 10
    slow.rows = np.zeros((75_000, 4), np.float32)  # eight messages each
    assert slow.run({}) == 2
    assert slow.now == pytest.approx(1161)  # and the end of the stream is waited for
    assert slow.opened == 1


def test_a_server_that_does_not_answer_is_asked_anew_and_given_up_after_a_minute() -> None:
    slow = Slow(batches=3, answers=1)
    with pytest.raises(kith.DeadlineExceeded) as raised:
        slow.run({})
    assert slow.now == pytest.approx(1060)
    assert slow.opened == 4  # 15 s each, and pauses of 1, 2 and 4 s
    assert raised.value.reason == "UNKNOWN_OUTCOME"
    assert raised.value.unacknowledged == (1, 2)
    assert "silent" in str(raised.value.__cause__)


def test_a_time_that_is_named_is_of_all_of_it() -> None:
    slow = Slow(batches=20, answers=20)
    slow.caller_s, slow.asks_s = 10, 0
    with pytest.raises(kith.DeadlineExceeded) as raised:
        slow.run({"timeout_s": 95})
    assert slow.now >= 1095
    assert raised.value.reason == "DEADLINE"  # nothing was under way
