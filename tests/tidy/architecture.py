"""The arrows: who may include whom. ARCHITECTURE.md says the same in words."""

import re

# The project's own folders that hold code, in the order of the arrows.
FOLDERS = ["common", "index", "shard", "coordinator", "kithd", "cli", "bench", "tests"]

# A module, and the modules it may include. The longest prefix of a path names its module.
_COMMON = ["common"]
ARROWS = {
    "common/vector": [],
    "common/base": ["common/vector"],
    "common/shard_api": ["common/base", "common/vector"],
    "common/telemetry": ["common/base", "common/vector", "common/shard_api"],
    "common/config": ["common/base", "common/telemetry"],
    "common/meta": ["common/base", "common/vector", "common/shard_api", "common/telemetry"],
    "common/rpc": ["common/base", "common/vector", "common/shard_api", "common/telemetry"],
    "index": ["common/vector"],
    "shard": [*_COMMON, "index"],
    "coordinator": _COMMON,
    "kithd": [*_COMMON, "index", "shard", "coordinator"],
    "cli": [*_COMMON, "index"],
    "bench": [*_COMMON, "index", "shard", "coordinator", "cli"],
    "tests": [*_COMMON, "index", "shard", "coordinator", "kithd", "cli", "bench"],
}

# Header-only arithmetic that a module may include although its folder is closed to it.
EXTRA_ARROWS = {"coordinator": ["index/plan.h"]}

# coordinator/shard_client is the calling side of shard/rpc.
_GENERATED = (r"^(?:[^/]+/rpc|coordinator/shard_client|cli|bench|clients|tests|common/rpc|common/meta"
              r"|coordinator/http)/")

# What is included (a pattern on the include's path), and the files that may do so.
GATES = [
    ("rocksdb", r"^rocksdb/", r"^(?:shard/storage|common/meta|tests)/"),
    ("generated protobuf code", r"\.pb\.h$", _GENERATED),
    ("gRPC", r"^(?:grpc|grpcpp|grpc\+\+)/", _GENERATED),
    ("protobuf", r"^google/protobuf/", _GENERATED),
    ("prometheus", r"^prometheus/", r"^common/telemetry/metrics\.(?:h|cc)$"),
    ("intrinsics", r"^(?:\w*intrin\.h|arm_neon\.h)$", r"^index/kernels/\w+_[a-z0-9]+\.cc$"),
    ("CUDA", r"^cuda", r"^index/gpu/"),
    ("OpenCV", r"^opencv", r"^embedder/"),
    ("yaml-cpp", r"^yaml-cpp/", r"^(?:common/config|tests)/"),
    ("CLI11", r"^CLI/", r"^(?:cli|kithd|bench|tests)/"),
    ("cpp-httplib", r"^httplib\.h$", r"^(?:[^/]+/http|tests)/"),
    ("nlohmann-json", r"^nlohmann/", r"^(?:cli|bench|tests)/"),
    ("GoogleTest", r"^(?:gtest|gmock)/", r"^tests/"),
    ("Google Benchmark", r"^benchmark/", r"^bench/"),
]

# Folders that use the standard library and what ARROWS gives them, and nothing else.
STANDARD_LIBRARY_ONLY = ["common/vector", "index"]

# A file compiled for one instruction set: an inline function of the standard library or of ours in
# it could be the copy that the linker keeps for everyone.
ISA_FILE = re.compile(r"^index/kernels/\w+_(?:sse\d*|avx\w*|neon|sve)\.cc$")
ISA_INCLUDES = re.compile(
    r"^(?:cstdint|cstddef|\w*intrin\.h|arm_neon\.h|index/kernels/(?:kernels_isa|kernel_table)\.h"
    r"|index/kernels/\w+\.inc)$")

# Files at the border to a library that reports by exceptions.
EXCEPTION_ADAPTERS = [
    r"^common/config/yaml_\w+\.cc$",
    r"^common/telemetry/log\.cc$",
    r"^[^/]+/http/\w+\.cc$",
    r"^cli/\w*json\w*\.cc$",
    r"^cli/(?:command_line|main)\.cc$",
    r"^kithd/flags\.cc$",
]


def module_of(path: str) -> str | None:
    parts = path.split("/")
    for length in range(len(parts) - 1, 0, -1):
        prefix = "/".join(parts[:length])
        if prefix in ARROWS:
            return prefix
    return parts[0] if parts[0] in ARROWS else None


def may_include(module: str, target: str) -> bool:
    """Whether a file of `module` may include the project's file `target`."""
    if target in EXTRA_ARROWS.get(module.split("/")[0], []):
        return True
    return any(target.startswith(allowed + "/") for allowed in [module, *ARROWS[module]])
