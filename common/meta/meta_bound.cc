#include "common/meta/meta_bound.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <xxhash.h>

#include <cstring>

#include "common/base/byte_codec.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith {
namespace {

constexpr char kMagic[] = "KITHMETA";
constexpr size_t kMagicSize = 8;
constexpr size_t kCheckedSize = kMagicSize + 2 * sizeof(uint64_t);

std::string PathOf(const std::string& directory) { return directory + "/BOUND"; }

uint64_t Get(const std::string& bytes, size_t at) {
  return GetLittleEndian<uint64_t>(bytes.data() + at);
}

}  // namespace

std::string EncodeMetaBound(const MetaBound& bound) {
  std::string bytes(kMagic, kMagicSize);
  AppendLittleEndian(bytes, bound.changes);
  AppendLittleEndian(bytes, bound.content);
  AppendLittleEndian<uint64_t>(bytes, XXH3_64bits(bytes.data(), bytes.size()));
  return bytes;
}

std::optional<MetaBound> DecodeMetaBound(const std::string& bytes) {
  const bool is_whole = bytes.size() == kCheckedSize + sizeof(uint64_t) &&
                        bytes.compare(0, kMagicSize, kMagic) == 0 &&
                        Get(bytes, kCheckedSize) == XXH3_64bits(bytes.data(), kCheckedSize);
  if (!is_whole) return std::nullopt;
  return MetaBound{Get(bytes, kMagicSize), Get(bytes, kMagicSize + sizeof(uint64_t))};
}

std::optional<MetaBound> ReadMetaBound(rocksdb::Env& env, const std::string& directory) {
  std::string bytes;
  if (!rocksdb::ReadFileToString(&env, PathOf(directory), &bytes).ok()) return std::nullopt;
  return DecodeMetaBound(bytes);
}

absl::Status WriteMetaBound(rocksdb::Env& env, const std::string& directory,
                            const MetaBound& bound) {
  const std::string beside = PathOf(directory) + ".new";
  rocksdb::Status status =
      rocksdb::WriteStringToFile(&env, EncodeMetaBound(bound), beside, /*should_sync=*/true);
  if (status.ok()) status = env.RenameFile(beside, PathOf(directory));
  if (status.ok()) return absl::OkStatus();
  return Error(absl::StatusCode::kUnavailable, reason::kStorage,
               fmt::format("cannot write {}: {}", PathOf(directory), status.ToString()));
}

}  // namespace kith
