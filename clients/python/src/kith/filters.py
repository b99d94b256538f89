"""Which points an answer may hold: client.search("photos", vector, filter=kith.filters.all_of(
kith.filters.match("color", "red"), kith.filters.between("year", gte=1990))).

Each function makes a kith.v1.filter_pb2.Filter. Fields are those that the collection indexes
(create_collection's payload_fields).
"""

from collections.abc import Iterable

from kith._vectors import refused, to_point_id
from kith.results import PointId
from kith.v1 import filter_pb2

Value = str | int | float | bool
Filter = filter_pb2.Filter


def _value(value: Value, name: str) -> filter_pb2.FieldValue:
    # bool first: it is an int too.
    if isinstance(value, bool):
        return filter_pb2.FieldValue(boolean=value)
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise refused("BAD_FILTER", name, f"is {value}, which 64 bits do not hold")
        return filter_pb2.FieldValue(integer=value)
    if isinstance(value, float):
        return filter_pb2.FieldValue(number=value)
    if isinstance(value, str):
        return filter_pb2.FieldValue(keyword=value)
    raise refused("BAD_FILTER", name, f"is {value!r}; must be a str, int, float or bool")


def match(field: str, value: Value) -> Filter:
    """The field has this value; of a list of keywords, one of them is it."""
    return Filter(match=filter_pb2.MatchCondition(field=field, value=_value(value, "value")))


def match_any(field: str, values: Iterable[Value]) -> Filter:
    """The field has one of these values."""
    condition = filter_pb2.MatchAnyCondition(field=field)
    condition.values.extend(_value(value, "values") for value in values)
    return Filter(match_any=condition)


def between(field: str, *, gt: Value | None = None, gte: Value | None = None,
            lt: Value | None = None, lte: Value | None = None) -> Filter:
    """The field lies within the bounds that are given: one at either end at most."""
    if gt is not None and gte is not None or lt is not None and lte is not None:
        raise refused("BAD_FILTER", field, "has two bounds at one end; name one of them")
    condition = filter_pb2.RangeCondition(field=field)
    for name, bound in (("gt", gt), ("gte", gte), ("lt", lt), ("lte", lte)):
        if bound is not None:
            getattr(condition, name).CopyFrom(_value(bound, name))
    return Filter(range=condition)


def exists(field: str) -> Filter:
    """The point has the field."""
    return Filter(exists=filter_pb2.ExistsCondition(field=field))


def has_id(ids: Iterable[PointId]) -> Filter:
    """The point is one of these."""
    condition = filter_pb2.HasIdCondition()
    condition.ids.extend(to_point_id(id, "ids") for id in ids)
    return Filter(has_id=condition)


def all_of(*filters: Filter) -> Filter:
    """Every one of them passes."""
    return Filter(all_of=filter_pb2.FilterList(filters=filters))


def any_of(*filters: Filter) -> Filter:
    """One of them passes."""
    return Filter(any_of=filter_pb2.FilterList(filters=filters))


def none_of(*filters: Filter) -> Filter:
    """None of them passes."""
    return Filter(none_of=filter_pb2.FilterList(filters=filters))
