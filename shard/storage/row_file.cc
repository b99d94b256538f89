#include "shard/storage/row_file.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <mutex>
#include <span>

#include "absl/strings/numbers.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/errno_status.h"

namespace kith::storage {
namespace {

uint32_t RecordChecksum(const std::byte* record, uint32_t stride) {
  constexpr size_t kChecked = offsetof(RowHeader, row);
  return static_cast<uint32_t>(XXH3_64bits(record + kChecked, stride - kChecked));
}

struct Extents {
  std::vector<std::shared_ptr<MappedFile>> maps;
};

class MappedRowFile final : public RowFile {
 public:
  explicit MappedRowFile(const RowFileOptions& options)
      : options_(options),
        stride_(RowTable::StrideFor(options.vector_bytes)),
        extents_(std::make_shared<const Extents>()),
        pointers_(std::make_shared<const std::vector<const std::byte*>>()) {}

  absl::Status MapExisting();

  absl::Status Reserve(uint32_t begin, uint32_t end) override;
  void Write(const RowContent& content) override;
  absl::Status Drop(std::span<const uint32_t> extents) override;
  absl::Status ClearFrom(uint32_t row) override;
  View view() const override;
  bool IsValid(uint32_t row) const override;
  absl::Status Sync() override;
  uint64_t bytes() const override {
    const View now = view();
    return (now.pointers->size() - now.missing_extents) * extent_bytes();
  }

 private:
  size_t extent_bytes() const { return size_t{stride_} << options_.extent_bits; }
  bool HasRow(uint32_t row) const {
    const size_t extent = row >> options_.extent_bits;
    return extent < writable_.size() && writable_[extent] != nullptr;
  }
  std::string ExtentPath(size_t extent) const {
    return fmt::format("{}/{:06}.rows", options_.directory, extent);
  }
  std::byte* Record(uint32_t row) const {
    const size_t within = row & ((uint32_t{1} << options_.extent_bits) - 1);
    return writable_[row >> options_.extent_bits] + within * stride_;
  }
  absl::Status MapExtent(size_t extent);
  void Publish(std::shared_ptr<const Extents> extents);

  const RowFileOptions options_;
  const uint32_t stride_;
  std::vector<std::byte*> writable_;  // the writer's own; null where there is no extent

  mutable std::mutex mutex_;  // a view may be taken while extents come and go
  std::shared_ptr<const Extents> extents_;
  std::shared_ptr<const std::vector<const std::byte*>> pointers_;
  uint32_t missing_ = 0;  // nulls in pointers_
};

// Gaps are what was dropped, or what was removed or lost: whoever needs rows there reserves them.
absl::Status MappedRowFile::MapExisting() {
  KITH_RETURN_IF_ERROR(options_.files->EnsureDirectory(options_.directory));
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                        options_.files->List(options_.directory));
  for (const std::string& name : names) {
    uint32_t extent = 0;
    if (!absl::SimpleAtoi(name.substr(0, name.find('.')), &extent)) continue;
    if (extent > (~uint32_t{0} >> options_.extent_bits)) continue;
    const std::string path = ExtentPath(extent);
    if (path != options_.directory + "/" + name) continue;
    KITH_RETURN_IF_ERROR(MapExtent(extent));
  }
  return absl::OkStatus();
}

// A shorter file is one whose growth a crash undid: its missing records read as zeros, which no
// checksum accepts. A longer one was made for other vectors.
absl::Status MappedRowFile::MapExtent(size_t extent) {
  const std::string path = ExtentPath(extent);
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<MappedFile> file,
                        options_.files->MapShared(path, extent_bytes()));
  if (file->size() != extent_bytes()) {
    return CorruptFile(path, fmt::format("it has {} bytes where {} were expected. The row files "
                                         "can be removed: they are written again at start",
                                         file->size(), extent_bytes()));
  }
  if (extent >= writable_.size()) writable_.resize(extent + 1, nullptr);
  writable_[extent] = file->data();
  auto extents = std::make_shared<Extents>(*extents_);
  extents->maps.resize(writable_.size());
  extents->maps[extent] = std::move(file);
  Publish(std::move(extents));
  return absl::OkStatus();
}

void MappedRowFile::Publish(std::shared_ptr<const Extents> extents) {
  auto pointers =
      std::make_shared<std::vector<const std::byte*>>(writable_.begin(), writable_.end());
  std::lock_guard lock(mutex_);
  missing_ = static_cast<uint32_t>(std::count(pointers->begin(), pointers->end(), nullptr));
  extents_ = std::move(extents);
  pointers_ = std::move(pointers);
}

absl::Status MappedRowFile::Reserve(uint32_t begin, uint32_t end) {
  if (begin >= end) return absl::OkStatus();
  for (size_t extent = begin >> options_.extent_bits; extent <= (end - 1) >> options_.extent_bits;
       ++extent) {
    if (extent < writable_.size() && writable_[extent] != nullptr) continue;
    KITH_RETURN_IF_ERROR(MapExtent(extent));
  }
  return absl::OkStatus();
}

absl::Status MappedRowFile::Drop(std::span<const uint32_t> dropped) {
  auto extents = std::make_shared<Extents>(*extents_);
  for (const uint32_t extent : dropped) {
    if (extent >= writable_.size()) continue;
    writable_[extent] = nullptr;
    extents->maps[extent].reset();
  }
  Publish(std::move(extents));
  for (const uint32_t extent : dropped) {
    const std::string path = ExtentPath(extent);
    if (options_.files->Exists(path)) KITH_RETURN_IF_ERROR(options_.files->Remove(path));
  }
  return absl::OkStatus();
}

absl::Status MappedRowFile::ClearFrom(uint32_t row) {
  const uint32_t rows = uint32_t{1} << options_.extent_bits;
  const uint32_t first = row >> options_.extent_bits;
  std::vector<uint32_t> beyond;
  for (uint32_t extent = first; extent < writable_.size(); ++extent) {
    const bool is_partial = extent == first && (row & (rows - 1)) != 0;
    if (writable_[extent] != nullptr && !is_partial) beyond.push_back(extent);
  }
  if (!beyond.empty()) {
    KITH_RETURN_IF_ERROR(Drop(beyond));
    KITH_RETURN_IF_ERROR(options_.files->SyncDirectory(options_.directory));
  }
  if (!HasRow(row)) return absl::OkStatus();
  bool is_changed = false;
  for (uint64_t next = row; next < (uint64_t{first} + 1) << options_.extent_bits; ++next) {
    std::byte* header = Record(static_cast<uint32_t>(next));
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    if (std::all_of(header, header + sizeof(RowHeader), is_zero)) continue;
    std::fill_n(header, sizeof(RowHeader), std::byte{0});
    is_changed = true;
  }
  return is_changed ? extents_->maps[first]->Sync() : absl::OkStatus();
}

void MappedRowFile::Write(const RowContent& content) {
  std::byte* record = Record(content.row);
  RowHeader header{};
  header.row = content.row;
  header.version = content.version;
  header.content_hash = content.content_hash;
  header.inverse_norm = content.inverse_norm;
  header.slot = content.slot;
  std::memcpy(header.key, content.key.bytes.data(), PointKey::kSize);
  std::byte* vector = record + sizeof(RowHeader);
  std::memcpy(record, &header, sizeof(header));
  std::memcpy(vector, content.vector.data(), content.vector.size());
  std::fill(vector + content.vector.size(), record + stride_, std::byte{0});
  const uint32_t checksum = RecordChecksum(record, stride_);
  std::memcpy(record, &checksum, sizeof(checksum));
}

RowFile::View MappedRowFile::view() const {
  std::lock_guard lock(mutex_);
  return {pointers_, extents_, options_.extent_bits, stride_, missing_};
}

bool MappedRowFile::IsValid(uint32_t row) const {
  if (!HasRow(row)) return false;
  if (options_.faults.ignore_checksum) return true;
  return IsWholeRecord(Record(row), stride_, row);
}

absl::Status MappedRowFile::Sync() {
  std::shared_ptr<const Extents> extents;
  {
    std::lock_guard lock(mutex_);
    extents = extents_;
  }
  for (const std::shared_ptr<MappedFile>& map : extents->maps) {
    if (map != nullptr) KITH_RETURN_IF_ERROR(map->Sync());
  }
  return options_.files->SyncDirectory(options_.directory);
}

}  // namespace

bool IsWholeRecord(const std::byte* record, uint32_t stride, uint32_t row) {
  RowHeader header;
  std::memcpy(&header, record, sizeof(header));
  return header.row == row && header.checksum == RecordChecksum(record, stride);
}

absl::StatusOr<std::unique_ptr<RowFile>> RowFile::Open(const RowFileOptions& options) {
  auto file = std::make_unique<MappedRowFile>(options);
  KITH_RETURN_IF_ERROR(file->MapExisting());
  return file;
}

}  // namespace kith::storage
