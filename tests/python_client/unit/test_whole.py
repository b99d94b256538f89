"""The client is whole: every call of the API, the same in both clients, every reason explained."""

import inspect
import pathlib
import re
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2

import kith
from fake_server import FakeServer
from kith import _methods, errors
from kith._methods import Method
from kith.remedies import REMEDIES
from kith.v1 import backups_pb2, collections_pb2, operations_pb2, points_pb2, search_pb2

ROOT = pathlib.Path(__file__).resolve().parents[3]


def test_every_method_of_the_public_services_can_be_called() -> None:
    known = {one.path: one for one in vars(_methods).values() if isinstance(one, Method)}
    wanted = {}
    for module in (backups_pb2, collections_pb2, operations_pb2, points_pb2, search_pb2):
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                wanted[f"/{service.full_name}/{method.name}"] = method
    assert len(wanted) > 15
    assert set(wanted) == set(known) - {"/grpc.health.v1.Health/Check"}
    for path, method in wanted.items():
        assert known[path].request.DESCRIPTOR is method.input_type
        assert known[path].answer.DESCRIPTOR is method.output_type


def test_both_clients_have_the_same_calls_with_the_same_arguments() -> None:
    def calls(client: type) -> dict[str, inspect.Signature]:
        return {name: inspect.signature(one) for name, one in vars(client).items()
                if not name.startswith("_")}

    ours, awaited = calls(kith.Client), calls(kith.AsyncClient)
    assert len(ours) > 20
    streams = [one.pop("stream_upsert") for one in (ours, awaited)]  # of one kind of iterator each
    assert len({tuple((one.name, one.kind) for one in stream.parameters.values())
                for stream in streams}) == 1
    assert ours == awaited
    assert all(inspect.iscoroutinefunction(getattr(kith.AsyncClient, name)) for name in awaited)


WORDS = {"collection": "c", "dimension": 4, "metric": "l2", "dtype": "f32", "points": 1, "ids": [1],
         "vectors": [[1, 2, 3, 4]], "vector": [1, 2, 3, 4], "queries": [[1, 2, 3, 4]], "point": 1,
         "operation_id": "o", "backup": "b", "version": "v", "positive": [1], "alias": "a",
         "batches": [], "field_type": "integer",
         "changes": {"a": "c"}, "payload": {}, "field": "f", "filter": kith.filters.has_id([1])}


@pytest.mark.parametrize("name", [name for name, one in vars(kith.Client).items()
                                  if name[0] != "_" and name != "close"])
def test_an_option_that_is_misspelt_is_an_error_of_every_call(server: FakeServer, client: Any,
                                                              name: str) -> None:
    parameters = inspect.signature(getattr(kith.Client, name)).parameters.values()
    words = [WORDS[one.name] for one in parameters if one.name != "self"
             and one.kind is one.POSITIONAL_OR_KEYWORD and one.default is one.empty]
    with pytest.raises(TypeError, match="no option 'limt'.*timeout_s"):
        getattr(client, name)(*words, limt=3)
    assert set(server.asked) == set()


def test_every_reason_has_the_remedy_that_the_api_page_gives() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    table = page[page.index("## Errors"):page.index("## Limits")]
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| [^|]* \| (.*) \|$", table, re.MULTILINE))
    assert len(rows) > 30
    assert REMEDIES == {reason: text.replace("`", "") for reason, text in rows.items()}


@pytest.mark.parametrize("code", [one for one in grpc.StatusCode if one.value[0]], ids=lambda code: code.name)
def test_every_code_has_its_name_and_says_what_the_transport_said(code: grpc.StatusCode) -> None:
    error = errors.from_call(code.value[0], "broken pipe", None)
    assert error.code == code.name
    assert error.reason == ""
    assert "broken pipe" in str(error)


def test_details_of_another_status_or_that_are_no_status_are_not_believed() -> None:
    other = status_pb2.Status(code=5, message="not found").SerializeToString()
    assert type(errors.from_call(14, "down", other)) is kith.Unavailable
    assert type(errors.from_call(14, "down", b"\xff\xff")) is kith.Unavailable


def test_errors_can_be_caught_as_pythons_own() -> None:
    for ours, pythons in ((kith.InvalidArgument, ValueError), (kith.NotFound, LookupError),
                          (kith.DeadlineExceeded, TimeoutError),
                          (kith.Unavailable, ConnectionError)):
        assert issubclass(ours, pythons)
        assert issubclass(ours, kith.KithError)


def test_of_tokens_the_newest_of_each_shard_is_kept() -> None:
    token = kith.WriteToken
    assert kith.newest([token(1, 1, 9), token(2, 0, 1), token(1, 2, 3), token(1, 2, 2)]) == (
        token(1, 2, 3), token(2, 0, 1))
