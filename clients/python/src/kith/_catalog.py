"""Flows of a collection's record and its aliases."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf import field_mask_pb2

from kith import _methods
from kith._collections import Collections
from kith._flow import Flow
from kith._methods import A, Method, Q
from kith.options import CallOptions, UpdateOptions
from kith.v1 import collections_pb2

_INDEX_FIELDS = ("target_recall", "expected_points", "lists", "subspaces", "plane_b_bytes")

Aliases = dict[str, str]


@dataclass(frozen=True)
class Catalog:
    collections: Collections

    def update(self, collection: str, options: UpdateOptions) -> Flow[collections_pb2.Collection]:
        request = collections_pb2.UpdateCollectionRequest(
            collection=collection, description=options.get("description", ""),
            etag=options.get("etag", ""),
            index=collections_pb2.IndexParameters(
                target_recall=options.get("target_recall", 0),
                expected_points=options.get("expected_points", 0), lists=options.get("lists", 0),
                subspaces=options.get("subspaces", 0),
                plane_b_bytes=options.get("plane_b_bytes", 0)),
            update_mask=field_mask_pb2.FieldMask(
                paths=[name for name in ("description",) if name in options]
                + [f"index.{name}" for name in _INDEX_FIELDS if name in options]))
        return (yield from self.collections.ask(_methods.UPDATE_COLLECTION, request, options,
                                                UpdateOptions))

    def set_alias(self, alias: str, collection: str, options: CallOptions) -> Flow[Aliases]:
        request = collections_pb2.SetAliasRequest(alias=alias, collection=collection)
        return _named((yield from self._moving((alias,), _methods.SET_ALIAS, request, options)))

    def delete_alias(self, alias: str, options: CallOptions) -> Flow[Aliases]:
        request = collections_pb2.DeleteAliasRequest(alias=alias)
        return _named((yield from self._moving((alias,), _methods.DELETE_ALIAS, request, options)))

    def change_aliases(self, changes: Mapping[str, str | None],
                       options: CallOptions) -> Flow[Aliases]:
        request = collections_pb2.ChangeAliasesRequest(
            changes=[collections_pb2.AliasChange(alias=alias, collection=collection or "")
                     for alias, collection in changes.items()])
        return _named((yield from self._moving(tuple(changes), _methods.CHANGE_ALIASES, request,
                                               options)))

    def aliases(self, options: CallOptions) -> Flow[Aliases]:
        request = collections_pb2.ListAliasesRequest()
        answer = yield from self.collections.ask(_methods.LIST_ALIASES, request, options)
        return _named(answer)

    def _moving(self, aliases: tuple[str, ...], method: Method[Q, A], request: Q,
                options: CallOptions) -> Flow[A]:
        """What an alias stands for may have another shape afterwards."""
        for alias in aliases:
            self.collections.forget(alias)
        return (yield from self.collections.ask(method, request, options))


def _named(answer: collections_pb2.ListAliasesResponse) -> Aliases:
    return {one.alias: one.collection for one in answer.aliases}
