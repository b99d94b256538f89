"""Everything the client does, without a socket or a sleep of its own: a flow yields the next step
and is given its outcome, by Client in a thread and by AsyncClient in an event loop. So both are the
same client, and tests step through it by hand."""

import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

from kith._methods import A, Method, Q
from kith.errors import DeadlineExceeded, KithError
from kith.options import CallOptions
from kith.retry import Repeat, RetryPolicy

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Make this call; the outcome is the answer, or the KithError with which it failed."""

    method: Method[Any, Any]
    request: Message
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait so long; the outcome is None."""

    seconds: float


Step = Send | Sleep
Flow = Generator[Step, Any, T]


def _no_trouble(_: Any) -> KithError | None:
    return None


@dataclass(frozen=True)
class Caller:
    """Makes calls, with repeats."""

    policy: RetryPolicy
    clock: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random

    def until(self, options: CallOptions, kind: Any = CallOptions) -> float | None:
        """When something with these options ends; None: each of its calls has its usual time. An
        option that its kind does not have is a TypeError: left unsaid, a misspelt one is ignored.
        """
        for name in options:
            if name not in kind.__optional_keys__:
                known = ", ".join(sorted(kind.__optional_keys__))
                raise TypeError(f"there is no option {name!r} here, but {known}")
        timeout_s = options.get("timeout_s")
        if timeout_s is None:
            return None
        if not timeout_s > 0:
            raise ValueError(f"timeout_s is {timeout_s}, must be above 0")
        return self.clock() + timeout_s

    def call(self, method: Method[Q, A], request: Q, until: float | None,
             trouble_in: Callable[[A], KithError | None] = _no_trouble) -> Flow[A]:
        """The answer, or the last failure, caused by the one before. `trouble_in` an answer is
        something that a repeat may mend; where there is no time for one, that answer is the result.
        """
        end = self.clock() + method.timeout_s if until is None else until
        attempt = 0
        before: KithError | None = None
        while True:
            left = end - self.clock()
            if left <= 0:
                raise DeadlineExceeded("the time was over before the call was sent",
                                       reason="DEADLINE") from before
            attempt += 1
            outcome = yield Send(method, request, self._attempt_s(method, left))
            failed = isinstance(outcome, KithError)
            trouble = outcome if failed else trouble_in(outcome)
            if trouble is None:
                return outcome  # type: ignore[no-any-return]  # what Send promises
            pause = self.policy.pause_s(method.repeat, trouble, attempt, self.random)
            if pause is None or self.clock() + pause >= end:
                if failed:
                    raise trouble from before
                return outcome  # type: ignore[no-any-return]
            before = trouble
            yield Sleep(pause)

    def _attempt_s(self, method: Method[Any, Any], left: float) -> float:
        longest = self.policy.attempt_timeout_s if method.repeat is Repeat.WRITE else left
        return min(left, longest, method.attempt_max_s)
