"""Who is compared: the indexes of each system and the search settings that are swept. No imports of
the peers themselves.

FAISS: the settings of its own guidelines and benchmarks (inverted files of about 4 * sqrt(n) lists,
4-bit fast scan of d/2 sub-quantizers with SQ8 refinement, 8-bit codes, RaBitQ behind a random
rotation, HNSW32, exact lists). hnswlib and usearch: M = 16, efConstruction as below.
"""

import dataclasses
import itertools

SYSTEMS = ("kith", "kith-grpc", "faiss", "hnswlib", "usearch")
NPROBES = (4, 8, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256, 384)
# What a caller of a server asks for; how it is reached (lists, depth, stop ratio) the server knows.
RECALLS = (0.7, 0.8, 0.85, 0.88, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995)
EFS = (10, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)


@dataclasses.dataclass(frozen=True)
class Config:
    """One index. `steps` rise and with them recall and cost; each is combined with all of
    `settings`, where one has to be swept beside it."""

    system: str
    name: str  # begins what `params` says
    build: dict
    step_name: str
    steps: tuple
    settings: tuple[dict, ...] = ({},)

    def params(self, parameters: dict) -> str:
        return " ".join([self.name, *(f"{name}={value}" for name, value in parameters.items())])


def auto_lists(points: int) -> int:
    """About 4 * sqrt(points), a power of two, as the engine chooses (index/plan.h): 4,096 at 1 M,
    16,384 at 10 M."""
    root = 1
    while root * root < points:
        root *= 2
    return min(max(4 * root, 16), 1 << 18)


def _product(**choices) -> tuple[dict, ...]:
    return tuple(dict(zip(choices, values)) for values in itertools.product(*choices.values()))


def _kith(lists: int, subspaces: tuple[int, ...]) -> list[Config]:
    # `refine` alone: u8 vectors are refined exactly, others are compared with the stored ones after.
    # A stop ratio of 0 is none.
    settings = _product(refine=(40, 60, 80, 120, 160, 320), stop_ratio=(1.25, 1.5, 0))
    shapes = [(f"lists={lists}", {"lists": lists}),
              *((f"lists={lists} subspaces={one}", {"lists": lists, "subspaces": one})
                for one in subspaces)]
    return [Config("kith", name, build, "nprobe", NPROBES, settings) for name, build in shapes]


def _kith_grpc() -> list[Config]:
    return [Config("kith-grpc", "embedded", {}, "target_recall", RECALLS)]


def _faiss(lists: int, dimension: int) -> list[Config]:
    depths = _product(k_factor=(2, 4, 8, 16, 32, 64))
    inverted = {"lists": lists}
    fast, slow = dimension // 2, dimension // 4
    rotated = f"RR{dimension},IVF{lists}"
    factories = [
        (f"IVF{lists},PQ{fast}x4fsr,Refine(SQ8)", depths),
        (f"IVF{lists},PQ{slow},Refine(SQ8)", depths[:4]),
        (f"{rotated},RaBitQfs,Refine(SQ8)", depths),
        (f"{rotated},RaBitQfs4", ({},)),
        (f"IVF{lists},Flat", ({},)),
    ]
    configs = [Config("faiss", factory, inverted | {"factory": factory}, "nprobe", NPROBES, settings)
               for factory, settings in factories]
    graph = {"lists": 0, "factory": "HNSW32", "ef_construction": 200}
    return [*configs, Config("faiss", "HNSW32", graph, "efSearch", EFS)]


def _graphs(system: str, name: str, ef_construction: int) -> list[Config]:
    build = {"M": 16, "ef_construction": ef_construction}
    return [Config(system, f"{name} M=16 efConstruction={ef_construction}", build, "ef", EFS)]


def configs_of(system: str, lists: int, dimension: int,
               subspaces: tuple[int, ...] = ()) -> list[Config]:
    if system == "kith":
        return _kith(lists, subspaces)
    if system == "kith-grpc":
        return _kith_grpc()
    if system == "faiss":
        return _faiss(lists, dimension)
    if system == "hnswlib":
        return _graphs(system, "f32", 300)
    return _graphs(system, "i8", 256)


def chosen_of(system: str, settings) -> list[Config]:
    """Without the indexes of peers that --index does not name."""
    configs = configs_of(system, settings.lists, settings.base.dimension, settings.subspaces)
    if system in ("kith", "kith-grpc") or not settings.indexes:
        return configs
    return [config for config in configs
            if any(part in config.name for part in settings.indexes)]
