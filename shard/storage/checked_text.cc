#include "shard/storage/checked_text.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/errno_status.h"

namespace kith::storage {
namespace {

constexpr char kVersionKey[] = "format_version";
constexpr char kOldestReaderKey[] = "oldest_reader";

std::string ChecksumLine(std::string_view body) {
  return fmt::format("checksum={:016x}\n", XXH3_64bits(body.data(), body.size()));
}

}  // namespace

void CheckedText::Put(std::string key, std::string_view value) {
  fields_.emplace_back(std::move(key), std::string(value));
}

std::string CheckedText::Encode() const {
  std::string body = fmt::format("{}\n{}={}\n{}={}\n", kind_, kVersionKey, kFormatVersion,
                                 kOldestReaderKey, kFormatVersion);
  for (const auto& [key, value] : fields_) {
    body += fmt::format("{}={}\n", key, absl::CEscape(ToAbsl(value)));
  }
  return body + ChecksumLine(body);
}

absl::StatusOr<CheckedText> CheckedText::Parse(std::string_view kind, const std::string& path,
                                               std::string_view bytes) {
  const size_t tail = ChecksumLine("").size();
  if (bytes.size() < tail) return CorruptFile(path, "it is cut short");
  const std::string_view body = bytes.substr(0, bytes.size() - tail);
  if (bytes.substr(body.size()) != ChecksumLine(body)) {
    return CorruptFile(path, "its last line is not the checksum of the lines before");
  }
  CheckedText text{std::string(kind)};
  text.path_ = path;
  size_t begin = 0;
  for (size_t line_number = 0; begin < body.size(); ++line_number) {
    const size_t end = std::min(body.find('\n', begin), body.size());
    const std::string_view line = body.substr(begin, end - begin);
    begin = end + 1;
    if (line_number == 0) {
      if (line != kind) return CorruptFile(path, fmt::format("it is not a {} file", kind));
      continue;
    }
    const size_t equals = line.find('=');
    std::string value;
    if (equals == std::string_view::npos ||
        !absl::CUnescape(ToAbsl(line.substr(equals + 1)), &value)) {
      return CorruptFile(path, fmt::format("line {} is not key=value", line_number + 1));
    }
    text.fields_.emplace_back(std::string(line.substr(0, equals)), std::move(value));
  }
  KITH_RETURN_IF_ERROR(text.CheckVersion());
  return text;
}

absl::Status CheckedText::CheckVersion() const {
  KITH_ASSIGN_OR_RETURN(const uint64_t written, Number(kVersionKey));
  KITH_ASSIGN_OR_RETURN(const uint64_t oldest, Number(kOldestReaderKey));
  if (oldest <= kFormatVersion) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, reason::kFormatVersion,
               fmt::format("{} has format version {} and needs a program that reads version {}; "
                           "this one reads version {}. Start the newer program that wrote it, or "
                           "choose another data directory",
                           path_, written, oldest, kFormatVersion));
}

absl::StatusOr<std::string> CheckedText::Text(std::string_view key) const {
  for (const auto& [name, value] : fields_) {
    if (name == key) return value;
  }
  return CorruptFile(path_, fmt::format("it has no {}", key));
}

absl::StatusOr<uint64_t> CheckedText::Number(std::string_view key) const {
  KITH_ASSIGN_OR_RETURN(const std::string text, Text(key));
  uint64_t value = 0;
  if (absl::SimpleAtoi(text, &value)) return value;
  return CorruptFile(path_, fmt::format("{} is not a number", key));
}

absl::StatusOr<Uuid> CheckedText::Id(std::string_view key) const {
  KITH_ASSIGN_OR_RETURN(const std::string text, Text(key));
  const absl::StatusOr<Uuid> id = Uuid::Parse(text);
  if (id.ok()) return *id;
  return CorruptFile(path_, fmt::format("{} is not a UUID", key));
}

}  // namespace kith::storage
