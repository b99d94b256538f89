"""What the clients of the soak do: each kind of call, how often, and what is known to be stored after it."""

import http.client
import itertools
import json
import random
import threading
from collections.abc import Callable

import kith
import numpy as np
from kith import filters

NAME = "soak"
COLOURS = ("red", "green", "blue", "black", "white")
FIELDS = {"colour": "keyword", "price": "integer", "mark": "integer"}
WRITTEN_AT_ONCE = 64
TRANSIENT = 1 << 40     # ids from here on are of points that come and go
LONG_S = 600


def payload(chance: random.Random) -> dict:
    return {"colour": chance.choice(COLOURS), "price": chance.randrange(1000)}


class Stored:
    """The points that stay, as their last acknowledged writes left them. Writers own disjoint ids, so that
    nobody has to guess which of two writes came last."""

    def __init__(self, vectors: np.ndarray):
        self.vectors = vectors                      # by id; the rows are exchanged, never changed
        self.row_of = np.arange(len(vectors))       # the row that an id has now
        self.payloads: list[dict] = [payload(random.Random(i)) for i in range(len(vectors))]
        self.unknown: set[int] = set()              # a write of theirs failed: either value is right


class Caller:
    """One client and its share of the ids; every method is a kind of call."""

    def __init__(self, endpoint: str, rest: str, stored: Stored, queries: np.ndarray, own: range):
        self.endpoint, self.rest, self.stored, self.queries, self.own = \
            endpoint, rest, stored, queries, own
        self.client = kith.Client(endpoint)
        self.chance = random.Random(own.start)
        self.fresh = itertools.count(TRANSIENT + own.start * 1000)
        first = self.client.search(NAME, queries[0], limit=100)
        self.near = first.hits[-1].score        # some hundred points are as near as this

    def _query(self) -> np.ndarray:
        return self.queries[self.chance.randrange(len(self.queries))]

    def _owned(self, count: int) -> list[int]:
        return self.chance.sample(self.own, count)

    # ---- searches and reads

    def search(self) -> None:
        assert len(self.client.search(NAME, self._query(), limit=10).hits) == 10

    def batch(self) -> None:
        begin = self.chance.randrange(len(self.queries) - 64)
        self.client.search_batch(NAME, self.queries[begin:begin + 64], limit=10)

    def filtered(self) -> None:
        cheap = filters.all_of(filters.match("colour", self.chance.choice(COLOURS)),
                               filters.between("price", lt=self.chance.randrange(5, 1000)))
        for hit in self.client.search(NAME, self._query(), filter=cheap, with_payload=True).hits:
            assert hit.payload, hit

    def within(self) -> None:
        query = self._query()
        page = self.client.search(NAME, query, max_distance=self.near, limit=50)
        for _ in range(4):
            if not page.next_page_token:
                break
            page = self.client.search(NAME, query, max_distance=self.near, limit=50,
                                      page_token=page.next_page_token)

    def grouped(self) -> None:
        found = self.client.search(NAME, self._query(), limit=3, group_by="colour", group_size=2)
        assert len(found.groups) == 3

    def like(self) -> None:
        self.client.search_like(NAME, self._owned(2), self._owned(1), limit=5)

    def exact(self) -> None:
        self.client.search(NAME, self._query(), limit=10, exact=True)

    def get(self) -> None:
        assert not self.client.get_points(NAME, self._owned(100)).missing

    def scroll(self) -> None:
        page = self.client.scroll_points(NAME, limit=500)
        for _ in range(3):
            page = self.client.scroll_points(NAME, limit=500, page_token=page.next_page_token)

    def count(self) -> None:
        self.client.count_points(NAME, filter=filters.match("colour", "red"))

    def facet(self) -> None:
        assert len(self.client.facet_points(NAME, "colour").values) == len(COLOURS)

    def over_rest(self) -> None:
        connection = http.client.HTTPConnection(self.rest, timeout=30)
        body = json.dumps({"vector": {"values": [float(v) for v in self._query()]},
                           "parameters": {"limit": 10}})
        connection.request("POST", f"/v1/collections/{NAME}/points:search", body,
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        # 429: the server is busy, and says so as in every other call.
        assert answer.status in (200, 429), text

    # ---- writes

    def replace(self) -> None:
        ids, stored = self._owned(WRITTEN_AT_ONCE), self.stored
        rows = [self.chance.randrange(len(stored.vectors)) for _ in ids]
        payloads = [payload(self.chance) for _ in ids]
        stored.unknown.update(ids)
        self.client.upsert(NAME, ids, stored.vectors[rows],
                           [json.dumps(one).encode() for one in payloads])
        for point, row, one in zip(ids, rows, payloads, strict=True):
            stored.row_of[point], stored.payloads[point] = row, one
        stored.unknown.difference_update(ids)

    def come_and_go(self) -> None:
        ids = list(itertools.islice(self.fresh, WRITTEN_AT_ONCE))
        rows = [self.chance.randrange(len(self.stored.vectors)) for _ in ids]
        written = self.client.upsert(NAME, ids, self.stored.vectors[rows])
        assert not self.client.get_points(NAME, ids, tokens=written.tokens).missing
        self.client.delete_points(NAME, ids)

    def set_payload(self) -> None:
        ids, change = self._owned(16), payload(self.chance)
        self.stored.unknown.update(ids)
        self.client.set_payload(NAME, ids, change)
        for point in ids:
            self.stored.payloads[point] = self.stored.payloads[point] | change
        self.stored.unknown.difference_update(ids)

    def mark_matching(self) -> None:
        """A field of its own, that comes and goes again by filter."""
        few = filters.all_of(filters.match("colour", "blue"), filters.between("price", lt=5))
        self.client.set_payload_matching(NAME, few, {"mark": 1})
        self.client.clear_payload_matching(NAME, filters.match("mark", 1), ["mark"])

    # ---- what is rare

    def short_life(self) -> None:
        name = f"brief-{self.own.start}"
        self.client.create_collection(name, 96, "cosine", "f32", lists=16, timeout_s=LONG_S)
        try:
            self.client.upsert(name, range(5000), self.stored.vectors[:5000], timeout_s=LONG_S)
            self.client.wait(self.client.train_index(name).id, timeout_s=LONG_S)
            self.client.search(name, self._query(), limit=5)
            duplicates = self.client.find_duplicates(name, min_score=0.999).id
            self.client.wait(duplicates, timeout_s=LONG_S)
            self.client.list_duplicates(duplicates)
        finally:
            self.client.delete_collection(name, timeout_s=LONG_S)

    def new_connection(self) -> None:
        with kith.Client(self.endpoint) as client:
            client.search(NAME, self._query(), limit=1)

    def malformed(self) -> None:
        for wrong in (lambda: self.client.search("absent", self._query()),
                      lambda: self.client.search(NAME, self._query()[:5]),
                      lambda: self.client.scroll_points(NAME, page_token=b"not one of ours")):
            try:
                wrong()
            except (kith.KithError, ValueError):
                continue
            raise AssertionError("a malformed call was answered")


# Calls a second, all callers together.
RATES: dict[str, tuple[Callable[[Caller], None], float]] = {
    "search": (Caller.search, 100), "batch": (Caller.batch, 2), "filtered": (Caller.filtered, 20),
    "within": (Caller.within, 2), "grouped": (Caller.grouped, 2), "like": (Caller.like, 5),
    "exact": (Caller.exact, 0.5), "get": (Caller.get, 5), "scroll": (Caller.scroll, 0.5),
    "count": (Caller.count, 1), "facet": (Caller.facet, 0.5), "rest": (Caller.over_rest, 5),
    "replace": (Caller.replace, 5), "come_and_go": (Caller.come_and_go, 2),
    "set_payload": (Caller.set_payload, 2), "mark_matching": (Caller.mark_matching, 0.05),
    "short_life": (Caller.short_life, 1 / 60),
    "new_connection": (Caller.new_connection, 1), "malformed": (Caller.malformed, 1),
}


class Tally:
    """Calls, their times and their errors, by kind; from all threads."""

    KEPT = 200_000

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.times: dict[str, list[float]] = {name: [] for name in RATES}
        self.calls = dict.fromkeys(RATES, 0)
        self.errors: dict[str, dict[str, int]] = {name: {} for name in RATES}

    def note(self, kind: str, seconds: float, error: str) -> None:
        with self._guard:
            self.calls[kind] += 1
            if error:
                self.errors[kind][error] = self.errors[kind].get(error, 0) + 1
            elif len(self.times[kind]) < self.KEPT:
                self.times[kind].append(seconds)

    def report(self) -> dict:
        def at(times: list[float], share: float) -> float | None:
            return round(times[int(share * (len(times) - 1))] * 1000, 3) if times else None
        sorted_times = {kind: sorted(times) for kind, times in self.times.items()}
        return {kind: {"calls": self.calls[kind], "p50_ms": at(times, 0.5), "p99_ms": at(times, 0.99),
                       "errors": self.errors[kind]} for kind, times in sorted_times.items()}
