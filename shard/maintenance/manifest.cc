#include "shard/maintenance/manifest.h"

#include <utility>

#include "common/base/byte_reader.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

constexpr uint32_t kFormat = 1;

class Output {
 public:
  template <typename T>
  void Number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void Text(std::string_view text) {
    Number(static_cast<uint32_t>(text.size()));
    bytes_.append(text);
  }
  std::string bytes_;
};

// Of a version and of a segment: at least its size, and the numbers behind it.
constexpr size_t kIndexBytesMin = 13;
constexpr size_t kSegmentBytesMin = 4;

Manifest::Index ReadIndex(ByteReader& input) {
  Manifest::Index index;
  index.version = input.Text();
  index.indexed_end = input.U32();
  index.ready = input.U8() != 0;
  index.segments.resize(input.Count(kSegmentBytesMin));
  for (std::string& segment : index.segments) segment = input.Text();
  return index;
}

Manifest ReadBody(ByteReader& input) {
  Manifest manifest;
  manifest.lsn = input.U64();
  manifest.row_end = input.U32();
  manifest.next_file = input.U64();
  manifest.tombstones = input.Text();
  manifest.indexes.resize(input.Count(kIndexBytesMin));
  for (Manifest::Index& index : manifest.indexes) index = ReadIndex(input);
  return manifest;
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  Output output;
  output.Number(kFormat);
  output.Number(manifest.lsn);
  output.Number(manifest.row_end);
  output.Number(manifest.next_file);
  output.Text(manifest.tombstones);
  output.Number(static_cast<uint32_t>(manifest.indexes.size()));
  for (const Manifest::Index& index : manifest.indexes) {
    output.Text(index.version);
    output.Number(index.indexed_end);
    output.Number(static_cast<uint8_t>(index.ready ? 1 : 0));
    output.Number(static_cast<uint32_t>(index.segments.size()));
    for (const std::string& segment : index.segments) output.Text(segment);
  }
  return std::move(output.bytes_);
}

absl::StatusOr<Manifest> DecodeManifest(std::string_view bytes) {
  ByteReader input(bytes);
  const uint32_t format = input.U32();
  if (format > kFormat) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kFormatVersion,
                 "the shard's manifest was written by a newer kithd; start that one again");
  }
  Manifest manifest = ReadBody(input);
  if (format != kFormat || !input.done()) {
    return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
                 "the shard's manifest cannot be read; restore this shard from a copy or a backup");
  }
  return manifest;
}

}  // namespace kith::shard
