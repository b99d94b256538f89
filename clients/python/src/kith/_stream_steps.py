"""The steps of an UpsertStream beside those of other flows."""

from collections.abc import AsyncIterable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from kith._flow import Step
from kith._vectors import Ids, Vectors
from kith.results import Acknowledgement
from kith.v1 import points_pb2

Batch = npt.NDArray[Any] | tuple[Ids, Vectors] | tuple[Ids, Vectors, Sequence[bytes] | None]
Batches = Iterable[Batch]
AsyncBatches = Iterable[Batch] | AsyncIterable[Batch]


@dataclass(frozen=True, slots=True)
class Take:
    """Ask the caller for the next batch; the outcome is that, Raised, or NoMore."""


@dataclass(frozen=True, slots=True)
class Raised:
    """The caller's batches could not go on."""

    error: Exception


@dataclass(frozen=True, slots=True)
class NoMore:
    """There is no further batch."""


@dataclass(frozen=True, slots=True)
class Open:
    """Begin a stream, instead of the one before; the outcome is None."""


@dataclass(frozen=True, slots=True)
class Put:
    """Send this message, or None: there are no more. The outcome is None, at once."""

    message: points_pb2.StreamUpsertRequest | None


@dataclass(frozen=True, slots=True)
class Receive:
    """Wait so long for an answer; the outcome is that, None, or the KithError that says how the
    stream ended."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Emit:
    """Give the caller this; the outcome is None."""

    acknowledgement: Acknowledgement


StreamStep = Step | Take | Open | Put | Receive | Emit
StreamFlow = Generator[StreamStep, Any, None]
