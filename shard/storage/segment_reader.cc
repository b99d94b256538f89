#include <fmt/format.h>

#include <cstring>

#include "common/base/byte_codec.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/segment_file.h"
#include "shard/storage/segment_format.h"

namespace kith::storage {
namespace {

absl::Status CheckIdentity(const std::string& path, const FrameHeader& header,
                           const SegmentIdentity& identity) {
  if (header.incarnation != identity.incarnation) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kWrongIncarnation,
                 fmt::format("{} belongs to incarnation {} of the collection, {} was expected. It "
                             "came from another collection or an older backup",
                             path, header.incarnation.ToString(), identity.incarnation.ToString()));
  }
  if (header.index_version != identity.index_version) {
    return CorruptFile(path, fmt::format("it was made under index version {}, {} was expected",
                                         header.index_version, identity.index_version));
  }
  return absl::OkStatus();
}

absl::Status CheckShape(const std::string& path, const FrameHeader& header,
                        const index::IndexVersion& version) {
  if (header.dimension == version.dimension() && header.subspaces == version.subspaces() &&
      header.lists == version.lists() && header.plane_b_bytes == version.plane_b_bytes()) {
    return absl::OkStatus();
  }
  return CorruptFile(
      path, "its dimension, sub-spaces, lists or plane B are not those of its index version");
}

// Cuts the body into arrays. The sizes were added up before: no step can run over the end.
class BodyCursor {
 public:
  explicit BodyCursor(std::string_view body) : rest_(body) {}

  template <typename T>
  std::vector<T> Take(size_t count) {
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), rest_.data(), count * sizeof(T));
    rest_.remove_prefix(count * sizeof(T));
    return values;
  }

 private:
  std::string_view rest_;
};

absl::Status CheckCounts(const std::string& path, std::string_view body,
                         const FrameHeader& header) {
  const uint64_t table = uint64_t{header.lists} * sizeof(uint32_t);
  if (table > body.size()) return CorruptFile(path, "its list table is cut short");
  uint64_t rows = 0;
  for (uint64_t i = 0; i < header.lists; ++i) {
    rows += GetLittleEndian<uint32_t>(body.data() + i * sizeof(uint32_t));
  }
  const uint64_t row_bytes = uint64_t{6} + header.subspaces + header.plane_b_bytes;
  const uint64_t left = body.size() - table;
  const bool fits = rows <= left / row_bytes && header.side_rows <= left / 4 &&
                    rows * row_bytes + header.side_rows * 4 == left;
  return fits ? absl::OkStatus() : CorruptFile(path, "its list sizes do not add up to its size");
}

std::shared_ptr<const index::ListSegment> Unpack(std::string_view body, const FrameHeader& header,
                                                 const index::IndexVersion& version) {
  BodyCursor cursor(body);
  const std::vector<uint32_t> counts = cursor.Take<uint32_t>(header.lists);
  const size_t side_bytes = header.side_rows * sizeof(uint32_t);
  BodyCursor side(body.substr(body.size() - side_bytes));
  const auto next = [&](uint32_t list) {
    const size_t count = counts[list];
    index::ListSegment::CanonicalList canonical;
    canonical.rows = cursor.Take<uint32_t>(count);
    canonical.bias = cursor.Take<uint16_t>(count);
    canonical.plane_a = cursor.Take<uint8_t>(count * header.subspaces);
    canonical.plane_b = cursor.Take<uint8_t>(count * header.plane_b_bytes);
    return canonical;
  };
  return index::ListSegment::FromCanonical(version, counts, next,
                                           side.Take<uint32_t>(header.side_rows));
}

}  // namespace

absl::Status VerifyFramedFile(FileSystem& files, const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> map, files.MapReadOnly(path));
  const std::string_view file(reinterpret_cast<const char*>(map->data()), map->size());
  const uint64_t magic = path.ends_with(".dead") ? kTombstoneMagic : kSegmentMagic;
  KITH_ASSIGN_OR_RETURN(const FrameHeader header, DecodeFrameHeader(path, file, magic));
  return CheckFrame(path, file, header).status();
}

absl::StatusOr<std::shared_ptr<const index::ListSegment>> ReadSegmentFile(
    FileSystem& files, const std::string& path, const SegmentIdentity& identity,
    const index::IndexVersion& version) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> map, files.MapReadOnly(path));
  const std::string_view file(reinterpret_cast<const char*>(map->data()), map->size());
  KITH_ASSIGN_OR_RETURN(const FrameHeader header, DecodeFrameHeader(path, file, kSegmentMagic));
  KITH_RETURN_IF_ERROR(CheckIdentity(path, header, identity));
  KITH_RETURN_IF_ERROR(CheckShape(path, header, version));
  KITH_ASSIGN_OR_RETURN(const std::string_view body, CheckFrame(path, file, header));
  KITH_RETURN_IF_ERROR(CheckCounts(path, body, header));
  return Unpack(body, header, version);
}

}  // namespace kith::storage
