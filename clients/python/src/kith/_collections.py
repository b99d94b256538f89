"""Flows of the Collections and Operations services, and of health."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from grpc_health.v1 import health_pb2

from kith import _methods
from kith._flow import Caller, Flow, Sleep
from kith._methods import A, Method, Q
from kith._vectors import Shape, refused, shape_of
from kith.errors import DeadlineExceeded, InvalidArgument, KithError, OperationFailed, Unavailable
from kith.options import (CallOptions, CreateOptions, Dtype, FieldType, Metric, PlanOptions,
                          TrainOptions)
from kith.v1 import collections_pb2, filter_pb2, operations_pb2, types_pb2

Progress = Callable[[operations_pb2.Operation], None]
Versions = tuple[collections_pb2.IndexVersion, ...]
T = TypeVar("T")

_METRICS = {"l2": types_pb2.METRIC_L2, "inner_product": types_pb2.METRIC_INNER_PRODUCT,
            "cosine": types_pb2.METRIC_COSINE}
_TYPES = {"f32": types_pb2.ELEMENT_TYPE_F32, "f16": types_pb2.ELEMENT_TYPE_F16,
          "u8": types_pb2.ELEMENT_TYPE_U8}
_FIELD_TYPES = {"keyword": filter_pb2.FIELD_TYPE_KEYWORD,
                "integer": filter_pb2.FIELD_TYPE_INTEGER,
                "double": filter_pb2.FIELD_TYPE_DOUBLE, "boolean": filter_pb2.FIELD_TYPE_BOOLEAN}
_FIRST_LOOK_S = 0.05
_LOOK_EVERY_S = 1.0


def chosen(value: str, choices: dict[str, T], name: str) -> T:
    if value not in choices:
        raise refused("BAD_REQUEST", name, f"is {value!r}, must be one of {', '.join(choices)}")
    return choices[value]


def _whole(value: int, name: str) -> int:
    """A number for an unsigned field: protobuf's own complaint names no field."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 32:
        raise refused("BAD_REQUEST", name, f"is {value!r}, must be a whole number, 0 or more")
    return value


@dataclass(frozen=True)
class Collections:
    caller: Caller
    _shapes: dict[str, Shape] = field(default_factory=dict)

    def ask(self, method: Method[Q, A], request: Q, options: CallOptions,
            kind: Any = CallOptions) -> Flow[A]:
        """One call as it is."""
        return (yield from self.caller.call(method, request, self.caller.until(options, kind)))

    def shape(self, collection: str, until: float | None) -> Flow[Shape]:
        """Asked for once: a collection keeps its shape as long as it lives."""
        known = self._shapes.get(collection)
        if known is not None:
            return known
        request = collections_pb2.GetCollectionRequest(collection=collection)
        answer = yield from self.caller.call(_methods.GET_COLLECTION, request, until)
        shape = self._shapes[collection] = shape_of(answer)
        return shape

    def forget(self, collection: str) -> None:
        """Of a collection that may have been made anew."""
        self._shapes.pop(collection, None)

    def fit(self, collection: str, make: Callable[[Shape], T], until: float | None) -> Flow[T]:
        """What `make` makes for the collection's shape. Where it refuses a shape that was known
        before, the collection may be another by now: it is looked at again."""
        was_known = collection in self._shapes
        shape = yield from self.shape(collection, until)
        try:
            return make(shape)
        except InvalidArgument:
            if not was_known:
                raise
        self.forget(collection)
        shape = yield from self.shape(collection, until)
        return make(shape)

    def create(self, collection: str, dimension: int, kind: tuple[Metric, Dtype],
               options: CreateOptions) -> Flow[collections_pb2.Collection]:
        metric, dtype = kind
        request = collections_pb2.CreateCollectionRequest(
            collection=collection, dimension=_whole(dimension, "dimension"),
            metric=chosen(metric, _METRICS, "metric"),
            element_type=chosen(dtype, _TYPES, "dtype"),
            shards=_whole(options.get("shards", 0), "shards"),
            index=_index(options), validate_only=options.get("validate_only", False),
            payload_fields=[
                filter_pb2.PayloadField(name=name,
                                        type=chosen(kind_of, _FIELD_TYPES, "payload_fields"))
                for name, kind_of in options.get("payload_fields", {}).items()])
        self.forget(collection)
        return (yield from self.ask(_methods.CREATE_COLLECTION, request, options, CreateOptions))

    def plan(self, dimension: int, dtype: Dtype, points: int,
             options: PlanOptions) -> Flow[collections_pb2.PlanCollectionResponse]:
        request = collections_pb2.PlanCollectionRequest(
            dimension=_whole(dimension, "dimension"), element_type=chosen(dtype, _TYPES, "dtype"),
            metric=chosen(options.get("metric", "l2"), _METRICS, "metric"), points=points,
            shards=_whole(options.get("shards", 0), "shards"),
            index=collections_pb2.IndexParameters(
                lists=_whole(options.get("lists", 0), "lists"),
                subspaces=_whole(options.get("subspaces", 0), "subspaces"),
                plane_b_bytes=_whole(options.get("plane_b_bytes", 0), "plane_b_bytes")),
            memory_limit_bytes=options.get("memory_limit_bytes", 0))
        return (yield from self.ask(_methods.PLAN_COLLECTION, request, options, PlanOptions))

    def get(self, collection: str, options: CallOptions) -> Flow[collections_pb2.Collection]:
        request = collections_pb2.GetCollectionRequest(collection=collection)
        return (yield from self.ask(_methods.GET_COLLECTION, request, options))

    def all(self, options: CallOptions) -> Flow[tuple[collections_pb2.Collection, ...]]:
        request = collections_pb2.ListCollectionsRequest()
        answer = yield from self.ask(_methods.LIST_COLLECTIONS, request, options)
        return tuple(answer.collections)

    def delete(self, collection: str, options: CallOptions) -> Flow[None]:
        self.forget(collection)
        request = collections_pb2.DeleteCollectionRequest(collection=collection)
        yield from self.ask(_methods.DELETE_COLLECTION, request, options)

    def verify(self, collection: str,
               options: CallOptions) -> Flow[collections_pb2.VerifyCollectionResponse]:
        request = collections_pb2.VerifyCollectionRequest(collection=collection)
        return (yield from self.ask(_methods.VERIFY_COLLECTION, request, options))

    def train(self, collection: str, options: TrainOptions) -> Flow[operations_pb2.Operation]:
        request = collections_pb2.TrainIndexRequest(collection=collection, index=_index(options),
                                                    seed=options.get("seed", 0))
        if "auto_promote" in options:
            request.auto_promote = options["auto_promote"]
        if "min_recall_gain" in options:
            request.min_recall_gain = options["min_recall_gain"]
        return (yield from self.ask(_methods.TRAIN_INDEX, request, options, TrainOptions))

    def versions(self, collection: str, options: CallOptions) -> Flow[Versions]:
        request = collections_pb2.ListIndexVersionsRequest(collection=collection)
        answer = yield from self.ask(_methods.LIST_INDEX_VERSIONS, request, options)
        return tuple(answer.versions)

    def promote(self, collection: str, version: str, options: CallOptions) -> Flow[Versions]:
        request = collections_pb2.PromoteIndexVersionRequest(collection=collection, version=version)
        answer = yield from self.ask(_methods.PROMOTE_INDEX_VERSION, request, options)
        return tuple(answer.versions)

    def rollback(self, collection: str, options: CallOptions) -> Flow[Versions]:
        request = collections_pb2.RollbackIndexVersionRequest(collection=collection)
        answer = yield from self.ask(_methods.ROLLBACK_INDEX_VERSION, request, options)
        return tuple(answer.versions)

    def drop(self, collection: str, version: str, options: CallOptions) -> Flow[Versions]:
        request = collections_pb2.DropIndexVersionRequest(collection=collection, version=version)
        answer = yield from self.ask(_methods.DROP_INDEX_VERSION, request, options)
        return tuple(answer.versions)

    def add_field(self, collection: str, name: str, kind_of: FieldType,
                  options: CallOptions) -> Flow[operations_pb2.Operation]:
        request = collections_pb2.CreatePayloadIndexRequest(
            collection=collection, field=name, type=chosen(kind_of, _FIELD_TYPES, "field_type"))
        return (yield from self.ask(_methods.CREATE_PAYLOAD_INDEX, request, options))

    def drop_field(self, collection: str, name: str,
                   options: CallOptions) -> Flow[operations_pb2.Operation]:
        request = collections_pb2.DeletePayloadIndexRequest(collection=collection, field=name)
        return (yield from self.ask(_methods.DELETE_PAYLOAD_INDEX, request, options))

    def operations(self, collection: str,
                   options: CallOptions) -> Flow[tuple[operations_pb2.Operation, ...]]:
        request = operations_pb2.ListOperationsRequest(collection=collection)
        answer = yield from self.ask(_methods.LIST_OPERATIONS, request, options)
        return tuple(answer.operations)

    def operation(self, id: str, options: CallOptions) -> Flow[operations_pb2.Operation]:
        request = operations_pb2.GetOperationRequest(id=id)
        return (yield from self.ask(_methods.GET_OPERATION, request, options))

    def cancel(self, id: str, options: CallOptions) -> Flow[operations_pb2.Operation]:
        request = operations_pb2.GetOperationRequest(id=id)
        return (yield from self.ask(_methods.CANCEL_OPERATION, request, options))

    def wait(self, id: str, progress: Progress | None,
             options: CallOptions) -> Flow[operations_pb2.Operation]:
        """Looks until the operation has ended."""
        until = self.caller.until(options)
        request = operations_pb2.GetOperationRequest(id=id)
        pause = _FIRST_LOOK_S
        while True:
            operation = yield from self.caller.call(_methods.GET_OPERATION, request, until)
            if progress is not None:
                progress(operation)
            if operation.state != operations_pb2.Operation.STATE_RUNNING:
                return _ended(operation)
            if until is not None and self.caller.clock() + pause >= until:
                raise DeadlineExceeded(f"operation {id} still runs ({operation.stage}, "
                                       f"{operation.progress:.0%})", reason="DEADLINE")
            yield Sleep(pause)
            pause = min(2 * pause, _LOOK_EVERY_S)

    def wait_ready(self, options: CallOptions) -> Flow[None]:
        request = health_pb2.HealthCheckRequest()
        until = self.caller.until(options)
        try:
            answer = yield from self.caller.call(_methods.CHECK_HEALTH, request, until,
                                                 _not_serving)
        except DeadlineExceeded as error:
            raise Unavailable("the server did not answer in time") from error
        failure = _not_serving(answer)
        if failure is not None:
            raise failure


def _index(options: CreateOptions | TrainOptions) -> collections_pb2.IndexParameters:
    return collections_pb2.IndexParameters(
        lists=_whole(options.get("lists", 0), "lists"),
        subspaces=_whole(options.get("subspaces", 0), "subspaces"),
        plane_b_bytes=_whole(options.get("plane_b_bytes", 0), "plane_b_bytes"),
        target_recall=options.get("target_recall", 0),
        expected_points=_whole(options.get("expected_points", 0), "expected_points"))


def _ended(operation: operations_pb2.Operation) -> operations_pb2.Operation:
    if operation.state == operations_pb2.Operation.STATE_SUCCEEDED:
        return operation
    state = operations_pb2.Operation.State.Name(operation.state)
    raise OperationFailed(operation.error_message or f"operation {operation.id} ended as {state}",
                          reason=operation.error_reason, facts={"operation": operation.id})


def _not_serving(answer: health_pb2.HealthCheckResponse) -> KithError | None:
    if answer.status == health_pb2.HealthCheckResponse.SERVING:
        return None
    return Unavailable("the server answers, and does not serve yet", reason="NOT_READY")
