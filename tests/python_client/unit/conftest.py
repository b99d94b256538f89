from collections.abc import Iterator
from typing import Any

import pytest

import fake_server
import kith
from awaited import AwaitedClient
from kith import _methods
from kith.v1 import collections_pb2, types_pb2

# Fast, so that tests of repeats take milliseconds.
EAGER = kith.RetryPolicy(first_delay_s=0.001, delay_max_s=0.004)


@pytest.fixture
def server() -> Iterator[fake_server.FakeServer]:
    """Has a collection `c` of dimension 4, f32, L2."""
    with fake_server.running() as one:
        one.say(_methods.GET_COLLECTION, collections_pb2.Collection(
            collection="c", dimension=4, metric=types_pb2.METRIC_L2,
            element_type=types_pb2.ELEMENT_TYPE_F32))
        yield one


@pytest.fixture(params=[kith.Client, AwaitedClient], ids=["threads", "asyncio"])
def client(request: pytest.FixtureRequest, server: fake_server.FakeServer) -> Iterator[Any]:
    """Both clients: each test runs with the one and with the other."""
    one = request.param(server.endpoint, retry=EAGER)
    yield one
    one.close()
