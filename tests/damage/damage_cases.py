"""Which files there are, and what may happen to one."""

import dataclasses
import pathlib
import random

# Kind, and the files of it below the data directory. A state's file that holds postings is a kind of
# its own; what no kind takes is listed as missing from the run.
KINDS = {
    # What a short run meets first.
    "row file": ["shard/*/rows/*.rows"],
    "log WAL": ["log/*.log"],
    "state SST": ["shard/*/state/*.sst"],
    "metadata WAL": ["meta/*.log"],
    "state MANIFEST": ["shard/*/state/MANIFEST-*"],
    "segment": ["shard/*/seg/*.seg"],
    "log MANIFEST": ["log/MANIFEST-*"],
    "postings SST": ["shard/*/state/*.sst"],
    "tombstones": ["shard/*/seg/*.dead"],
    "metadata CURRENT": ["meta/CURRENT"],
    "artifact": ["artifacts/*"],
    "SPEC": ["shard/*/SPEC"],
    "log SST": ["log/*.sst"],
    "log CURRENT": ["log/CURRENT"],
    "metadata SST": ["meta/*.sst"],
    "metadata MANIFEST": ["meta/MANIFEST-*"],
    "metadata bound": ["meta/BOUND"],
    "state CURRENT": ["shard/*/state/CURRENT"],
    "state options": ["shard/*/state/OPTIONS-*", "shard/*/state/IDENTITY"],
    "node identity": ["FORMAT"],
    "log bound": ["HINT"],
    "lock": ["LOCK"],
}
OPERATIONS = ["flip a bit", "cut short", "delete", "flip eight bits", "cut the tail",
              "zero a page", "lengthen"]
_PAGE = 4096


@dataclasses.dataclass
class Case:
    number: int
    after: str  # what kithd's end was: "kill" or "stop"
    kind: str
    operation: str
    file: str  # below the data directory
    seed: int


def _has_postings(path: pathlib.Path) -> bool:
    return b"\x08postings" in path.read_bytes() or b"postings" in path.read_bytes()[-4096:]


def files_of(whole: pathlib.Path, kind: str) -> list[str]:
    found = []
    for pattern in KINDS[kind]:
        for path in sorted(whole.glob(pattern)):
            is_empty = path.stat().st_size == 0 and kind != "lock"
            if is_empty or path.suffix == ".sst" and path.parent.name == "state" and (
                    _has_postings(path) != (kind == "postings SST")):
                continue
            found.append(path.relative_to(whole).as_posix())
    return found


def choose(wholes: dict[str, pathlib.Path], count: int, seed: int) -> list[Case]:
    """`count` cases: by turns the kinds, and of each by turns the operations and the directories,
    which are named by how their kithd ended."""
    kinds = [kind for kind in KINDS if any(files_of(whole, kind) for whole in wholes.values())]
    ends = list(wholes)
    cases = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        # Not every directory has every kind.
        order = ends[number // len(kinds) % len(ends):] + ends
        after = next(end for end in order if files_of(wholes[end], kind))
        draw = random.Random(f"{seed} {number}")
        # A shift by kind, so that a short run meets every operation, too.
        turn = number // len(kinds) + number % len(kinds)
        operation = OPERATIONS[turn % len(OPERATIONS)]
        cases.append(Case(number, after, kind, operation,
                          draw.choice(files_of(wholes[after], kind)), draw.getrandbits(32)))
    return cases


def _used_end(data: bytes) -> int:
    """A row file is allocated as a whole, and zeros where nothing was written yet."""
    return max(len(data.rstrip(b"\0")), min(len(data), 1))


def apply(folder: pathlib.Path, case: Case) -> None:
    path = folder / case.file
    draw = random.Random(case.seed)
    if case.operation == "delete":
        path.unlink()
        return
    data = bytearray(path.read_bytes())
    end = _used_end(bytes(data))
    if case.operation == "cut short":
        del data[draw.randrange(end):]
    elif case.operation == "cut the tail":
        del data[max(0, end - draw.randrange(1, 64)):]
    elif case.operation == "lengthen":
        data += draw.randbytes(100)
    elif case.operation == "zero a page":
        begin = draw.randrange(end) // _PAGE * _PAGE
        data[begin:begin + _PAGE] = bytes(len(data[begin:begin + _PAGE]))
    else:
        for _ in range(8 if case.operation == "flip eight bits" else 1):
            if data:
                data[draw.randrange(end)] ^= 1 << draw.randrange(8)
    # Another file under the name: the whole directory may share its blocks.
    path.unlink()
    path.write_bytes(data)
