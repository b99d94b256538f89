#ifndef KITH_SHARD_STORAGE_CHECKED_TEXT_H_
#define KITH_SHARD_STORAGE_CHECKED_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/ids.h"

namespace kith::storage {

// A small file that a person may read and nothing may change unnoticed: a line that names the kind,
// format_version and oldest_reader, `key=value` lines, and as last line an XXH3-64 of all before.
// FORMAT, SPEC and HINT are such files; docs/formats.md has the bytes.
//
// Threads: immutable after Parse; otherwise one at a time.
class CheckedText {
 public:
  static constexpr uint64_t kFormatVersion = 1;
  static constexpr uint64_t kBytesMax = 4 << 20;

  explicit CheckedText(std::string kind) : kind_(std::move(kind)) {}
  // DATA_LOSS CORRUPTION (another kind, wrong checksum), FAILED_PRECONDITION FORMAT_VERSION. `path`
  // is for the messages.
  static absl::StatusOr<CheckedText> Parse(std::string_view kind, const std::string& path,
                                           std::string_view bytes);

  void Put(std::string key, std::string_view value);
  void Put(std::string key, uint64_t value) { Put(std::move(key), std::to_string(value)); }
  std::string Encode() const;

  // DATA_LOSS CORRUPTION where the key is missing or the value is not of that kind.
  absl::StatusOr<std::string> Text(std::string_view key) const;
  absl::StatusOr<uint64_t> Number(std::string_view key) const;
  absl::StatusOr<Uuid> Id(std::string_view key) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  absl::Status CheckVersion() const;

  const std::string kind_;
  std::string path_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_CHECKED_TEXT_H_
