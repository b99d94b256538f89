"""Flows that change points by ids or by a filter: call after call, until nothing is left."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kith import _methods
from kith._flow import Caller, Flow
from kith._points import id_messages
from kith._tokens import tokens_from, tokens_to
from kith._upserts import PAYLOAD_BYTES_MAX, request_ids
from kith._vectors import Ids, from_point_id, refused
from kith.errors import PointsRefused, from_status
from kith.options import ChangeOptions, DryRunOptions, FacetOptions, MatchingOptions
from kith.results import (ChangeResult, DeleteResult, DryRun, Facet, FacetValue, PointFailure,
                          WriteToken, newest)
from kith.v1 import filter_pb2, points_pb2

# Of one call: with a payload of 64 KiB and the widest vector each the server would refuse more.
_CHANGED_PER_CALL_MAX = 500


@dataclass
class _Changed:
    """The answers of a change's calls, put together."""

    changed: int = 0
    versions: list[int] = field(default_factory=list)
    tokens: tuple[WriteToken, ...] = ()
    failures: list[PointFailure] = field(default_factory=list)

    def add(self, begin: int, answer: points_pb2.ChangePayloadResponse) -> None:
        self.changed += answer.changed
        self.versions += answer.versions
        self.tokens = newest([*self.tokens, *tokens_from(answer.tokens)])
        for place, status in enumerate(answer.statuses):
            if status.code != 0:
                self.failures.append(PointFailure(begin + place, from_status(status)))

    def result(self) -> ChangeResult:
        return ChangeResult(self.changed, tuple(self.versions), self.tokens, tuple(self.failures))


_Request = points_pb2.SetPayloadRequest | points_pb2.ClearPayloadRequest


def payload_bytes(payload: Mapping[str, Any] | bytes) -> bytes:
    """A payload as it is sent; a mapping as JSON."""
    given = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    if len(given) > PAYLOAD_BYTES_MAX:
        raise refused("PAYLOAD_TOO_LARGE", "payload",
                      f"has {len(given)} bytes, at most {PAYLOAD_BYTES_MAX} are taken")
    return given


@dataclass(frozen=True)
class Changes:
    caller: Caller

    def set_payload(self, collection: str, ids: Ids, payload: Mapping[str, Any] | bytes,
                    options: ChangeOptions) -> Flow[ChangeResult]:
        request = points_pb2.SetPayloadRequest(collection=collection,
                                               payload=payload_bytes(payload),
                                               mode=_mode(options.get("replace", False)))
        return (yield from self._by_ids(_methods.SET_PAYLOAD, request, ids, options))

    def clear_payload(self, collection: str, ids: Ids, fields: Sequence[str],
                      options: ChangeOptions) -> Flow[ChangeResult]:
        request = points_pb2.ClearPayloadRequest(collection=collection, fields=fields)
        return (yield from self._by_ids(_methods.CLEAR_PAYLOAD, request, ids, options))

    def set_matching(self, collection: str, filter: filter_pb2.Filter,
                     payload: Mapping[str, Any] | bytes, options: MatchingOptions
                     ) -> Flow[ChangeResult]:
        request = points_pb2.SetPayloadRequest(
            collection=collection, filter=filter, payload=payload_bytes(payload),
            mode=_mode(options.get("replace", False)))
        return (yield from self._matching(_methods.SET_PAYLOAD, request, options))

    def clear_matching(self, collection: str, filter: filter_pb2.Filter, fields: Sequence[str],
                       options: MatchingOptions) -> Flow[ChangeResult]:
        request = points_pb2.ClearPayloadRequest(collection=collection, filter=filter,
                                                 fields=fields)
        return (yield from self._matching(_methods.CLEAR_PAYLOAD, request, options))

    def delete_matching(self, collection: str, filter: filter_pb2.Filter,
                        options: MatchingOptions) -> Flow[DeleteResult]:
        until = self.caller.until(options, MatchingOptions)
        request = points_pb2.DeletePointsRequest(collection=collection, filter=filter)
        deleted, tokens = 0, tuple[WriteToken, ...]()
        for name in request_ids(options.get("request_id")):
            request.request_id = name
            answer = yield from self.caller.call(_methods.DELETE_POINTS, request, until)
            deleted += answer.deleted
            tokens = newest([*tokens, *tokens_from(answer.tokens)])
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
        return DeleteResult(deleted, tokens)

    def dry_run(self, collection: str, filter: filter_pb2.Filter,
                options: DryRunOptions) -> Flow[DryRun]:
        until = self.caller.until(options, DryRunOptions)
        request = points_pb2.DeletePointsRequest(collection=collection, filter=filter,
                                                 dry_run=True, sample=options.get("sample", 10))
        answer = yield from self.caller.call(_methods.DELETE_POINTS, request, until)
        return DryRun(answer.deleted, tuple(from_point_id(one) for one in answer.sample))

    def facet(self, collection: str, name: str, options: FacetOptions) -> Flow[Facet]:
        until = self.caller.until(options, FacetOptions)
        request = points_pb2.FacetPointsRequest(
            collection=collection, field=name, filter=options.get("filter"),
            limit=options.get("limit", 10), tokens=tokens_to(options.get("tokens", ())))
        answer = yield from self.caller.call(_methods.FACET_POINTS, request, until)
        return Facet(tuple(FacetValue(_plain(one.value), one.count) for one in answer.values),
                     answer.distinct)

    def _by_ids(self, method: Any, request: _Request, ids: Ids,
                options: ChangeOptions) -> Flow[ChangeResult]:
        until = self.caller.until(options, ChangeOptions)
        messages = id_messages(ids)
        conditions = list(options.get("if_versions") or ())
        if conditions and len(conditions) != len(messages):
            raise refused("BAD_REQUEST", "if_versions",
                          f"has {len(conditions)} entries for {len(messages)} ids")
        changed = _Changed()
        for rows, name in zip(_slices(len(messages)), request_ids(options.get("request_id")),
                              strict=False):
            part = type(request)()
            part.CopyFrom(request)  # type: ignore[arg-type]  # of the same type
            part.ids.extend(messages[rows])
            part.if_versions.extend(one or 0 for one in conditions[rows])
            part.request_id = name
            changed.add(rows.start, (yield from self.caller.call(method, part, until)))
        result = changed.result()
        if result.failures and options.get("on_refused", "raise") == "raise":
            first = result.failures[0]
            error = PointsRefused(f"{len(result.failures)} of {len(messages)} points were not "
                                    f"changed, the first of them point {first.index}: "
                                    f"{first.error}")
            error.changed = result
            raise error
        return result

    def _matching(self, method: Any, request: _Request,
                  options: MatchingOptions) -> Flow[ChangeResult]:
        until = self.caller.until(options, MatchingOptions)
        changed = _Changed()
        for name in request_ids(options.get("request_id")):
            request.request_id = name
            answer = yield from self.caller.call(method, request, until)
            changed.add(0, answer)
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
        return changed.result()


def _slices(count: int) -> Iterator[slice]:
    for begin in range(0, count, _CHANGED_PER_CALL_MAX):
        yield slice(begin, min(begin + _CHANGED_PER_CALL_MAX, count))


def _mode(replace: bool) -> points_pb2.PayloadMode:
    return points_pb2.PAYLOAD_MODE_REPLACE if replace else points_pb2.PAYLOAD_MODE_MERGE


def _plain(value: filter_pb2.FieldValue) -> str | int | float | bool:
    plain: str | int | float | bool = getattr(value, value.WhichOneof("value") or "keyword")
    return plain
