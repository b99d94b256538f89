"""The arrows: who may include whom. ARCHITECTURE.md says the same in words."""

import re

# The project's own folders that hold code, in the order of the arrows.
FOLDERS = ["common", "index", "shard", "coordinator", "kithd", "cli", "bench", "tests"]

# A module, and the modules it may include; itself always. The longest prefix of a path names its
# module. Conversions to and from the wire (common/rpc) are for those who speak it.
_BASE = ["common/base", "common/vector"]
_SERVICE = [*_BASE, "common/payload", "common/shard_api"]
_SHARD_CORE = ["shard/storage", "shard/parts", "shard/write", "shard/search", "shard/maintenance",
               "shard/replication"]
_COORDINATOR_CORE = ["coordinator/search", "coordinator/read", "coordinator/write",
                     "coordinator/admin", "coordinator/cluster", "coordinator/duplicates"]
ARROWS = {
    "common/vector": [],
    "common/base": ["common/vector"],
    "common/payload": _BASE,
    "common/shard_api": [*_BASE, "common/payload"],
    "common/telemetry": [*_SERVICE],
    "common/config": ["common/base", "common/telemetry", "common/auth"],
    "common/meta": [*_SERVICE, "common/telemetry"],
    "common/auth": ["common/base"],
    "common/rpc": [*_SERVICE, "common/telemetry", "common/auth"],
    "index": ["common/vector"],
    "shard/storage": [*_SERVICE, "common/telemetry", "index"],
    "shard/parts": [*_SERVICE, "common/telemetry", "index", "shard/storage"],
    "shard/replication": [*_SERVICE, "common/telemetry", "shard/storage"],
    "shard/search": [*_SERVICE, "common/telemetry", "index", "shard/parts", "shard/storage"],
    "shard/maintenance": [*_SERVICE, "common/telemetry", "index", "shard/parts", "shard/storage"],
    "shard/write": [*_SERVICE, "common/telemetry", "index", "shard/parts", "shard/replication",
                    "shard/storage"],
    "shard/rpc": [*_SERVICE, "common/telemetry", "common/rpc", "common/auth"],
    "shard/backup": [*_SERVICE, "common/telemetry", "shard", "shard/storage"],
    "shard/fsck": [*_SERVICE, "common/telemetry", "common/meta", "index", "shard", *_SHARD_CORE],
    "shard": [*_SERVICE, "common/telemetry", "index", *_SHARD_CORE],
    "coordinator/cluster": [*_SERVICE, "common/telemetry", "common/meta"],
    "coordinator/search": [*_SERVICE, "common/telemetry", "common/meta", "coordinator/cluster"],
    "coordinator/read": [*_SERVICE, "common/telemetry", "common/meta", "coordinator/cluster",
                         "coordinator/search"],
    "coordinator/write": [*_SERVICE, "common/telemetry", "common/meta", "coordinator/cluster",
                          "coordinator/search"],
    "coordinator/admin": [*_SERVICE, "common/telemetry", "common/meta", "coordinator/cluster",
                          "coordinator/search"],
    "coordinator/duplicates": [*_SERVICE, "common/telemetry", "common/meta", "coordinator/cluster",
                               "coordinator/search", "coordinator/read", "coordinator/admin"],
    "coordinator/shard_client": [*_SERVICE, "common/telemetry", "common/rpc", "common/auth",
                                 "coordinator/search"],
    "coordinator/rpc": [*_SERVICE, "common/telemetry", "common/rpc", "common/auth",
                        *_COORDINATOR_CORE],
    "coordinator/http": [*_BASE, "common/telemetry", "common/rpc"],
    "coordinator": [],
    "kithd": ["common", "index", "shard", "coordinator"],
    "cli": [*_BASE, "common/auth", "index", "shard/fsck", "shard/storage"],
    "bench": ["common", "index", "shard", "coordinator", "cli"],
    "tests": ["common", "index", "shard", "coordinator", "kithd", "cli", "bench"],
}

# Header-only arithmetic that a module may include although its folder is closed to it.
EXTRA_ARROWS = {"coordinator": ["index/auto_parameters.h", "index/auto_remedies.h", "index/plan.h"]}

# What a quoted include may begin with besides our own folders: generated code and Abseil, whose
# headers are named so everywhere.
QUOTED_ROOTS = [*FOLDERS, "kith", "google", "absl"]

# Folders that bear a name which says nothing elsewhere (`common` is the project's card's).
NAMED_FOLDERS = ["common", "tests/unit/common_rpc"]

# Functions with more than four parameters, or a bool among them, that stay so. A signature that a
# library gives is its own; what is marked (to mend) is not excused but known.
PARAMETERS_ALLOWED = {
    "index/kernels/assignment_kernels.inc": None,  # as portable_kernels.inc
    "index/kernels/packed_kernels.inc": None,  # likewise
    "index/kernels/portable_byte_kernels.inc": None,  # likewise
    "index/kernels/portable_kernels.inc": None,  # plain values, no struct to load through: any
    "index/kernels/avx512_products.inc": None,  # likewise
    "index/kernels/avx512_selection.inc": None,
    "index/kernels/kernels_avx2.cc": None,
    "index/kernels/kernels_avx512.cc": None,
    "common/payload/payload_values.cc": {"boolean"},  # nlohmann-json's
    # A kernel's body has its block first and its scratch last, what it is about between them.
    "index/gpu/coarse_body.h": {"CollectLists"},
    "index/gpu/query_body.h": {"TightenThreshold", "CutRound", "WriteHits", "AnswerSlice",
                               "CutSlices"},
    "index/gpu/refine_body.h": {"TermsOfLists", "RankRaw", "RankResidual", "RefineEntries"},
    "index/gpu/scan_body.h": {"AppendReached", "ScanPage"},
    "index/gpu/select_body.h": {"CountDigits", "SelectKth", "CopyAtMost"},
    "index/gpu/table_body.h": {"TableEntries"},
    "index/gpu/device_warp.cuh": None,  # a lane's part of a mask is a bool, and chooses nothing
    "shard/storage/log_truncation.cc": {"FilterV2"},  # RocksDB's
    "shard/storage/segment_writer.cc": {"WriteSegmentFile"},  # to mend
    "shard/storage/state_store.cc": {"CheckFormat"},  # to mend
    "common/rpc/answer_stream.h": {"OnReadDone", "OnWriteDone"},  # gRPC's
    "coordinator/shard_client/shard_stream.cc": {"WriteDone"},  # gRPC's, passed on
    "coordinator/shard_client/stream_attempt.cc": {  # gRPC's
        "OnReadInitialMetadataDone", "OnReadDone", "OnWriteDone"},
    "tests/assumptions/rocksdb_process.cc": {"Check"},
    "tests/fuzz/target.cc": {"Require"},
    "tests/chaos/crash_test.cc": {"Process"},  # to mend
    "tests/integration/public_rpc/public_server.h": {"Call"},
    "tests/support/fake_shard_service.cc": {"SetDown", "HoldEncoding", "HoldTraining"},  # states
    "shard/storage/room_wait.cc": {"ReuseWritableFile"},  # RocksDB's, as the next
    "tests/support/hooked_rocks_file_system.cc": {"PositionedAppend", "ReuseWritableFile"},
}

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
    # Not in a header: the interface of index/gpu has no CUDA types.
    ("CUDA", r"^cuda", r"^(?:index|bench)/gpu/\w+\.cuh?$"),
    ("OpenCV", r"^opencv", r"^embedder/"),
    ("yaml-cpp", r"^yaml-cpp/", r"^(?:common/config|tests)/"),
    ("CLI11", r"^CLI/", r"^(?:cli|kithd|bench|tests)/"),
    ("cpp-httplib", r"^httplib\.h$", r"^(?:[^/]+/http|tests)/"),
    ("nlohmann-json", r"^nlohmann/",
     r"^(?:(?:cli|bench|tests|common/payload|common/auth)/|coordinator/http/openapi)"),
    ("OpenSSL", r"^openssl/", r"^(?:common/auth/|[^/]+/http/|tests/|shard/storage/sha256)"),
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


def may_include(path: str, target: str) -> bool:
    """Whether the project's file `path` may include its file `target`."""
    if target in EXTRA_ARROWS.get(path.split("/")[0], []):
        return True
    module, other = module_of(path), module_of(target)
    if module is None or other is None or module == other:
        return True
    return any(other == allowed or allowed in FOLDERS and other.startswith(allowed + "/")
               for allowed in ARROWS[module])
