"""When a failed call is sent again, and after how long. Decides only: nothing here waits."""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from kith.errors import KithError

_UNAVAILABLE = "UNAVAILABLE"
_CANCELLED = "CANCELLED"
_EXHAUSTED = "RESOURCE_EXHAUSTED"
_TOLD_DELAY_MAX_S = 60.0
_DOUBLINGS_MAX = 16


class Repeat(enum.Enum):
    """What a second sending of the same request may do."""

    READ = enum.auto()
    """Nothing but read again."""
    WRITE = enum.auto()
    """Nothing: the request carries a request_id, and the server answers as it did the first time.
    So it is repeated also where the outcome of the first is not known."""
    UNSAFE = enum.auto()
    """Something twice: it is repeated only where the server itself said that it did nothing."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How calls are repeated. All repeats of a call, with the pauses between them, end with the
    call's own time (timeout_s).

    first_delay_s      the pause after the first failure; it doubles after each further one
    delay_max_s        and grows no longer than this. Half of each pause is random, so that callers
                       who failed together do not come back together. A pause that the server asks
                       for (RetryInfo) is kept, and lengthened by up to a quarter
    attempt_timeout_s  a write that has no answer after this long is sent again with the same
                       request_id: its connection may be dead. Searches and reads have no such limit
    attempts_max       calls in all; None: as many as the time allows. 1 turns repeating off
    """

    first_delay_s: float = 0.1
    delay_max_s: float = 5.0
    attempt_timeout_s: float = 15.0
    attempts_max: int | None = None

    def __post_init__(self) -> None:
        if not (0 < self.first_delay_s <= self.delay_max_s and self.attempt_timeout_s > 0):
            raise ValueError("0 < first_delay_s <= delay_max_s and 0 < attempt_timeout_s must hold")
        if self.attempts_max is not None and self.attempts_max < 1:
            raise ValueError("attempts_max must be at least 1, or None")

    def pause_s(self, repeat: Repeat, failure: KithError, attempt: int,
                random: Callable[[], float]) -> float | None:
        """How long to wait after the attempt of that number, counted from 1; None: do not repeat.
        `random` gives numbers in [0, 1)."""
        if self.attempts_max is not None and attempt >= self.attempts_max:
            return None
        if not may_repeat(repeat, failure):
            return None
        if failure.retry_after_s is not None:
            return min(failure.retry_after_s, _TOLD_DELAY_MAX_S) * (1 + 0.25 * random())
        doubled = self.first_delay_s * 2.0 ** min(attempt - 1, _DOUBLINGS_MAX)
        return min(doubled, self.delay_max_s) * (0.5 + 0.5 * random())


def may_repeat(repeat: Repeat, failure: KithError) -> bool:
    """UNAVAILABLE, and RESOURCE_EXHAUSTED where the server said when to come back. A write with a
    request_id also where nobody knows whether it was done. What this client cancels itself never
    comes here."""
    if repeat is Repeat.WRITE and (failure.reason == "UNKNOWN_OUTCOME"
                                   or failure.code == "DEADLINE_EXCEEDED"):
        return True
    if repeat is Repeat.UNSAFE and failure.reason in ("", "UNKNOWN_OUTCOME"):
        return False
    # A server that stops cancels calls which arrive just then, without a reason.
    if failure.code == _UNAVAILABLE or (failure.code == _CANCELLED and not failure.reason):
        return True
    return failure.code == _EXHAUSTED and failure.retry_after_s is not None
