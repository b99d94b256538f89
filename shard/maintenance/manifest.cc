#include "shard/maintenance/manifest.h"

#include <cstring>

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

class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  bool Number(T& value) {
    if (rest_.size() < sizeof(value)) return false;
    std::memcpy(&value, rest_.data(), sizeof(value));
    rest_.remove_prefix(sizeof(value));
    return true;
  }
  bool Text(std::string& text) {
    uint32_t size;
    if (!Number(size) || rest_.size() < size) return false;
    text.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return true;
  }
  bool empty() const { return rest_.empty(); }
  size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

bool ReadIndex(Input& input, Manifest::Index& index) {
  uint8_t ready = 0;
  uint32_t segments = 0;
  if (!input.Text(index.version) || !input.Number(index.indexed_end) || !input.Number(ready) ||
      !input.Number(segments) || segments > input.left()) {
    return false;
  }
  index.ready = ready != 0;
  index.segments.resize(segments);
  for (std::string& segment : index.segments) {
    if (!input.Text(segment)) return false;
  }
  return true;
}

bool ReadBody(Input& input, Manifest& manifest) {
  uint32_t indexes = 0;
  if (!input.Number(manifest.lsn) || !input.Number(manifest.row_end) ||
      !input.Number(manifest.next_file) || !input.Text(manifest.tombstones) ||
      !input.Number(indexes) || indexes > input.left()) {
    return false;
  }
  manifest.indexes.resize(indexes);
  for (Manifest::Index& index : manifest.indexes) {
    if (!ReadIndex(input, index)) return false;
  }
  return input.empty();
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
  Input input(bytes);
  uint32_t format = 0;
  if (input.Number(format) && format > kFormat) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kFormatVersion,
                 "the shard's manifest was written by a newer kithd; start that one again");
  }
  Manifest manifest;
  if (format != kFormat || !ReadBody(input, manifest)) {
    return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
                 "the shard's manifest cannot be read; restore this shard from a copy or a backup");
  }
  return manifest;
}

}  // namespace kith::shard
