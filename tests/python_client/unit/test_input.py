"""What is refused before anything is sent, and what passes as it is."""

import uuid
from typing import Any

import numpy as np
import pytest

import kith
from kith._vectors import Shape, as_matrix, as_numbers, as_row, row_bytes
from kith._upserts import Extras, UpsertRows

L2 = Shape(3, "f32", is_cosine=False)
COSINE = Shape(3, "f32", is_cosine=True)
HALF = Shape(3, "f16", is_cosine=False)
BYTES = Shape(3, "u8", is_cosine=False)
ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)


def refusal(make: Any) -> tuple[str, str]:
    with pytest.raises(kith.InvalidArgument) as raised:
        make()
    (violation,) = raised.value.violations
    return raised.value.reason, violation.field


def test_an_array_of_the_collections_type_is_not_copied() -> None:
    assert as_matrix(ROWS, L2, "vectors") is ROWS
    strided = np.asfortranarray(ROWS)[::-1]
    assert row_bytes(as_matrix(strided, L2, "vectors"), L2) == ROWS[::-1].tobytes()
    assert row_bytes(as_matrix(ROWS.astype(">f4"), L2, "vectors"), L2) == ROWS.tobytes()


def test_lists_of_numbers_are_converted_where_they_fit() -> None:
    assert as_matrix([[1, 2, 3.5]], L2, "vectors").dtype == np.float32
    assert as_matrix([[1, 2.0, 255]], BYTES, "vectors").tolist() == [[1, 2, 255]]
    assert as_row([1, 2, 3], HALF, "vector").dtype == np.float16
    for wrong in ([[1, 2, 256]], [[1, 2, -1]], [[1, 2, 2.5]], [[1, 2, float("nan")]]):
        assert refusal(lambda: as_matrix(wrong, BYTES, "vectors")) == ("BAD_VECTOR", "vectors")
    assert refusal(lambda: as_matrix([[1, 2], [3]], L2, "v")) == ("BAD_VECTOR", "v")
    assert refusal(lambda: as_matrix([["a", "b", "c"]], L2, "v")) == ("BAD_VECTOR", "v")
    assert refusal(lambda: as_matrix([[1, 2, 1e39]], L2, "v")) == ("NON_FINITE_VECTOR", "v[0]")
    assert refusal(lambda: as_matrix([[1, 2, 70000]], HALF, "v")) == ("NON_FINITE_VECTOR", "v[0]")


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8, np.int32, bool])
def test_an_array_of_another_type_is_refused_with_the_conversion_named(dtype: Any) -> None:
    with pytest.raises(kith.InvalidArgument, match=r"give vectors.astype\(numpy.float32\)"):
        as_matrix(ROWS.astype(dtype), L2, "vectors")


def test_rows_of_another_dimension_or_form_are_refused() -> None:
    assert refusal(lambda: as_matrix(ROWS[:, :2], L2, "v")) == ("DIMENSION_MISMATCH", "v")
    assert refusal(lambda: as_matrix(ROWS[0], L2, "v")) == ("BAD_VECTOR", "v")
    assert refusal(lambda: as_row(ROWS, L2, "v")) == ("BAD_VECTOR", "v")
    assert refusal(lambda: as_row(ROWS[0, :2], L2, "v")) == ("DIMENSION_MISMATCH", "v")


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [L2, COSINE, HALF])
def test_what_is_not_finite_is_refused_by_its_row_wherever_it_is(wrong: float,
                                                                 shape: Shape) -> None:
    vectors = np.ones((700_000, 3), shape.dtype)
    vectors[654_321, 1] = wrong
    assert refusal(lambda: as_matrix(vectors, shape, "v")) == ("NON_FINITE_VECTOR", "v[654321]")


def test_a_vector_that_is_too_long_is_refused() -> None:
    vectors = np.ones((4, 3), np.float32)
    vectors[2] = 1e18 / np.sqrt(3) * 1.01
    assert refusal(lambda: as_matrix(vectors, L2, "v")) == ("BAD_VECTOR", "v[2]")
    vectors[2] = 1e18 / np.sqrt(3) * 0.99
    as_matrix(vectors, L2, "v")
    vectors[2] = [0.9e18, 0, 0]  # the quick look at extremes must not refuse it
    as_matrix(vectors, L2, "v")


def test_a_vector_without_direction_is_refused_under_cosine_only() -> None:
    vectors = np.ones((4, 3), np.float32)
    vectors[3] = 0
    assert refusal(lambda: as_matrix(vectors, COSINE, "v")) == ("ZERO_VECTOR_COSINE", "v[3]")
    as_matrix(vectors, L2, "v")
    zero = np.zeros((1, 3), np.uint8)
    assert refusal(lambda: as_matrix(zero, Shape(3, "u8", True), "v")) == ("ZERO_VECTOR_COSINE",
                                                                          "v[0]")
    as_matrix(zero, BYTES, "v")


def test_ids_may_be_arrays_ranges_and_lists_of_numbers() -> None:
    big = 2**64 - 1
    cases: list[tuple[Any, list[int]]] = [(np.array([1, 2], np.int32), [1, 2]), (range(5, 9, 2), [5, 7]),
                        ([0, big], [0, big]), ([np.uint64(big)], [big]), ([], []), (range(0), []),
                        (np.array([3, big], dtype=object), [3, big])]
    for ids, wanted in cases:
        numbers = as_numbers(ids)
        assert numbers is not None
        assert numbers.dtype == np.uint64
        assert numbers.tolist() == wanted
    assert as_numbers([1, uuid.uuid4()]) is None
    assert as_numbers(np.array([uuid.uuid4()], dtype=object)) is None


@pytest.mark.parametrize(("ids", "field"), [
    ([1, -2], "ids[1]"), ([1, 2**64], "ids[1]"), ([1, 2.0], "ids[1]"), (["a"], "ids[0]"),
    ([True], "ids[0]"), (np.array([1.5]), "ids[0]"), (np.array([[1]]), "ids"), ([[1]], "ids"),
    (np.array([5, -1]), "ids[1]"), ([uuid.uuid4(), None], "ids[1]"), ([2**63, -1], "ids[1]")])
def test_what_is_no_id_is_refused(ids: Any, field: str) -> None:
    assert refusal(lambda: as_numbers(ids)) == ("BAD_ID", field)


def upsert(ids: Any = (1, 2), vectors: Any = ROWS, payloads: Any = None,
           if_versions: Any = None) -> None:
    UpsertRows.of(L2, ids, vectors, Extras.of(payloads, if_versions))


def test_what_comes_in_different_counts_is_refused() -> None:
    assert refusal(lambda: upsert(ids=[1, 2, 3])) == ("BAD_REQUEST", "vectors")
    assert refusal(lambda: upsert(payloads=[b"a"])) == ("BAD_REQUEST", "payloads")
    assert refusal(lambda: upsert(if_versions=[1])) == ("BAD_REQUEST", "if_versions")
    upsert(ids=[], vectors=[])


def test_payloads_that_are_too_large_or_no_bytes_are_refused() -> None:
    assert refusal(lambda: upsert(payloads=[b"", bytes(65_537)])) == ("PAYLOAD_TOO_LARGE",
                                                                      "payloads[1]")
    assert refusal(lambda: upsert(payloads=[{"a": 1}, b""])) == ("BAD_REQUEST", "payloads[0]")
    upsert(payloads=[bytes(65_536), b""])


def test_what_is_no_version_is_refused() -> None:
    for wrong in (-1, 2**64 - 1):
        assert refusal(lambda: upsert(if_versions=[None, wrong])) == (
            "BAD_REQUEST", "if_versions[1]")
