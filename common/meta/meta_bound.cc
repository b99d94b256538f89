#include "common/meta/meta_bound.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <xxhash.h>

#include <cstring>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith {
namespace {

constexpr char kMagic[] = "KITHMETA";
constexpr size_t kMagicSize = 8;
constexpr size_t kCheckedSize = kMagicSize + 2 * sizeof(uint64_t);

std::string PathOf(const std::string& directory) { return directory + "/BOUND"; }

void Append(std::string& bytes, uint64_t value) {
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t Get(const std::string& bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value |= uint64_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
  return value;
}

}  // namespace

std::string EncodeMetaBound(const MetaBound& bound) {
  std::string bytes(kMagic, kMagicSize);
  Append(bytes, bound.changes);
  Append(bytes, bound.content);
  Append(bytes, XXH3_64bits(bytes.data(), bytes.size()));
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
