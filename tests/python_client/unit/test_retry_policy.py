"""When a call is sent again, and after how long."""

import pytest

import kith
from kith.errors import of_code
from kith.retry import Repeat, RetryPolicy, may_repeat

READ, WRITE, UNSAFE = Repeat.READ, Repeat.WRITE, Repeat.UNSAFE


def failure(code: str, reason: str = "", retry_after_s: float | None = None) -> kith.KithError:
    error = of_code(code, "no")
    error.reason, error.retry_after_s = reason, retry_after_s
    return error


def no_luck() -> float:
    return 0.0


def test_pauses_double_up_to_the_longest_and_half_of_each_is_chance() -> None:
    policy = RetryPolicy(first_delay_s=0.1, delay_max_s=1)
    down = failure("UNAVAILABLE")
    assert [policy.pause_s(READ, down, n, no_luck) for n in range(1, 7)] == pytest.approx(
        [0.05, 0.1, 0.2, 0.4, 0.5, 0.5])
    assert policy.pause_s(READ, down, 2, lambda: 0.5) == pytest.approx(0.15)
    assert policy.pause_s(READ, down, 10_000, no_luck) == pytest.approx(0.5)


def test_a_pause_that_the_server_asks_for_is_kept_and_lengthened_by_chance() -> None:
    policy = RetryPolicy()
    told = failure("RESOURCE_EXHAUSTED", "QUEUE_FULL", 2.0)
    assert policy.pause_s(READ, told, 1, no_luck) == 2.0
    assert policy.pause_s(READ, told, 9, lambda: 0.8) == pytest.approx(2.4)
    assert policy.pause_s(READ, failure("UNAVAILABLE", "X", 9999), 1, no_luck) == 60


@pytest.mark.parametrize("repeat", [READ, WRITE, UNSAFE])
@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "ABORTED",
                                  "FAILED_PRECONDITION", "INTERNAL", "CANCELLED", "UNKNOWN",
                                  "DATA_LOSS"])
def test_what_will_not_pass_is_not_repeated(repeat: Repeat, code: str) -> None:
    assert not may_repeat(repeat, failure(code, "SOME_REASON", 0.1))


def test_something_full_is_repeated_only_where_the_server_says_when() -> None:
    for repeat in (READ, WRITE, UNSAFE):
        assert may_repeat(repeat, failure("RESOURCE_EXHAUSTED", "QUEUE_FULL", 0.05))
        assert not may_repeat(repeat, failure("RESOURCE_EXHAUSTED", "COLLECTION_LIMIT"))


def test_a_write_is_repeated_where_its_outcome_is_unknown_and_a_read_is_not() -> None:
    for code in ("DEADLINE_EXCEEDED", "UNAVAILABLE", "DATA_LOSS"):
        assert may_repeat(WRITE, failure(code, "UNKNOWN_OUTCOME"))
    assert may_repeat(WRITE, failure("DEADLINE_EXCEEDED"))
    assert not may_repeat(READ, failure("DEADLINE_EXCEEDED", "DEADLINE"))


def test_what_might_be_done_twice_is_repeated_only_where_the_server_refused_it() -> None:
    assert may_repeat(UNSAFE, failure("UNAVAILABLE", "SHARD_UNAVAILABLE"))
    assert not may_repeat(UNSAFE, failure("UNAVAILABLE"))  # the connection: nobody knows
    assert not may_repeat(UNSAFE, failure("UNAVAILABLE", "UNKNOWN_OUTCOME"))
    assert may_repeat(READ, failure("UNAVAILABLE"))


def test_what_a_stopping_server_cancels_is_repeated_where_that_is_safe() -> None:
    assert may_repeat(READ, failure("CANCELLED"))
    assert may_repeat(WRITE, failure("CANCELLED"))
    assert not may_repeat(UNSAFE, failure("CANCELLED"))


def test_attempts_can_be_limited() -> None:
    policy = RetryPolicy(attempts_max=2)
    assert policy.pause_s(READ, failure("UNAVAILABLE"), 1, no_luck) is not None
    assert policy.pause_s(READ, failure("UNAVAILABLE"), 2, no_luck) is None


def test_a_policy_that_makes_no_sense_is_refused() -> None:
    for wrong in ({"first_delay_s": 0.0}, {"first_delay_s": 9.0}, {"attempt_timeout_s": 0.0},
                  {"attempts_max": 0}, {"first_delay_s": float("nan")}):
        with pytest.raises(ValueError):
            RetryPolicy(**wrong)
