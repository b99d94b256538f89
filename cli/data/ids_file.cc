#include "cli/data/ids_file.h"

#include <absl/strings/numbers.h>
#include <fmt/format.h>

#include <cstring>
#include <span>
#include <string_view>

#include "cli/data/npy_header.h"
#include "cli/data/row_layout.h"
#include "common/base/ids.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr uint32_t kTextBytesMax = 64;

absl::Status BadIds(const ReadOnlyFile& file, std::string_view descr) {
  return BadFile(file,
                 fmt::format("its elements are \"{}\", which are no ids; save numpy.uint64, or "
                             "byte strings of at most {} characters, digits or UUIDs",
                             descr, kTextBytesMax));
}

}  // namespace

absl::StatusOr<IdsFile> IdsFile::Open(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(ReadOnlyFile file, ReadOnlyFile::Open(path));
  KITH_ASSIGN_OR_RETURN(const NpyHeader header, ReadNpyHeader(file));
  if (header.shape.size() != 1 || header.shape[0] == 0) {
    return BadFile(file, "is no array of one dimension with an id a row; save ids.reshape(-1)");
  }
  IdsFile ids(std::move(file), header.data_at, header.shape[0]);
  const std::string_view descr = header.descr;
  if (descr == "<i8") {
    ids.form_ = Form::kSigned;
  } else if (descr != "<u8") {
    uint32_t width = 0;
    const bool text = descr.size() > 2 && descr.substr(0, 2) == "|S" &&
                      absl::SimpleAtoi(ToAbsl(descr.substr(2)), &width) && width >= 1 &&
                      width <= kTextBytesMax;
    if (!text) return BadIds(ids.file_, descr);
    ids.form_ = Form::kText;
    ids.width_ = width;
  }
  const uint64_t held = ids.file_.size() - ids.data_at_;
  if (held / ids.width_ == ids.rows_ && held % ids.width_ == 0) return ids;
  return BadFile(ids.file_,
                 fmt::format("its header says {} ids of {} bytes, but {} bytes follow: it "
                             "is cut off or too long; copy or make it again",
                             ids.rows_, ids.width_, held));
}

absl::StatusOr<PointKey> IdsFile::Parse(const char* bytes) const {
  if (form_ == Form::kText) {
    return ParsePointKey(std::string_view(bytes, strnlen(bytes, width_)));
  }
  uint64_t number = 0;
  std::memcpy(&number, bytes, sizeof(number));
  if (form_ == Form::kSigned && static_cast<int64_t>(number) < 0) {
    return absl::InvalidArgumentError(fmt::format("{} is negative", static_cast<int64_t>(number)));
  }
  return PointKey::FromNumber(number);
}

absl::Status IdsFile::Read(uint64_t first, uint64_t count, std::vector<PointKey>& keys) const {
  std::vector<char> bytes(count * width_);
  KITH_RETURN_IF_ERROR(
      file_.ReadAt(data_at_ + first * width_, std::as_writable_bytes(std::span(bytes))));
  for (uint64_t i = 0; i < count; ++i) {
    const absl::StatusOr<PointKey> key = Parse(bytes.data() + i * width_);
    if (!key.ok()) {
      return Error(
          absl::StatusCode::kInvalidArgument, reason::kBadId,
          fmt::format("{}: the id of row {} is none: {}; an id is a whole number from 0 to "
                      "2^64-1 or a UUID",
                      file_.path(), first + i, std::string(key.status().message())));
    }
    keys.push_back(*key);
  }
  return absl::OkStatus();
}

}  // namespace kith::cli
