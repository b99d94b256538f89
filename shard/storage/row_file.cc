#include "shard/storage/row_file.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <mutex>
#include <span>

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

  absl::Status Reserve(uint32_t row_end) override;
  void Write(const RowContent& content) override;
  View view() const override;
  bool IsValid(uint32_t row) const override;
  absl::Status Sync() override;
  uint64_t bytes() const override { return uint64_t{extent_count()} * extent_bytes(); }

 private:
  size_t extent_count() const { return writable_.size(); }
  size_t extent_bytes() const { return size_t{stride_} << options_.extent_bits; }
  uint64_t rows_mapped() const { return uint64_t{extent_count()} << options_.extent_bits; }
  std::string ExtentPath(size_t extent) const {
    return fmt::format("{}/{:06}.rows", options_.directory, extent);
  }
  std::byte* Record(uint32_t row) const {
    const size_t within = row & ((uint32_t{1} << options_.extent_bits) - 1);
    return writable_[row >> options_.extent_bits] + within * stride_;
  }
  absl::Status MapNextExtent();

  const RowFileOptions options_;
  const uint32_t stride_;
  std::vector<std::byte*> writable_;  // the writer's own

  mutable std::mutex mutex_;  // a view may be taken while the writer adds an extent
  std::shared_ptr<const Extents> extents_;
  std::shared_ptr<const std::vector<const std::byte*>> pointers_;
};

absl::Status MappedRowFile::MapExisting() {
  KITH_RETURN_IF_ERROR(options_.files->EnsureDirectory(options_.directory));
  while (options_.files->Exists(ExtentPath(extent_count()))) {
    KITH_RETURN_IF_ERROR(MapNextExtent());
  }
  return absl::OkStatus();
}

// A shorter file is one whose growth a crash undid: its missing records read as zeros, which no
// checksum accepts. A longer one was made for other vectors.
absl::Status MappedRowFile::MapNextExtent() {
  const std::string path = ExtentPath(extent_count());
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<MappedFile> file,
                        options_.files->MapShared(path, extent_bytes()));
  if (file->size() != extent_bytes()) {
    return CorruptFile(path, fmt::format("it has {} bytes where {} were expected. The row files "
                                         "can be removed: they are written again at start",
                                         file->size(), extent_bytes()));
  }
  writable_.push_back(file->data());
  auto extents = std::make_shared<Extents>(*extents_);
  auto pointers = std::make_shared<std::vector<const std::byte*>>(*pointers_);
  pointers->push_back(file->data());
  extents->maps.push_back(std::move(file));
  std::lock_guard lock(mutex_);
  extents_ = std::move(extents);
  pointers_ = std::move(pointers);
  return absl::OkStatus();
}

absl::Status MappedRowFile::Reserve(uint32_t row_end) {
  while (rows_mapped() < row_end) KITH_RETURN_IF_ERROR(MapNextExtent());
  return absl::OkStatus();
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
  return {pointers_, extents_, options_.extent_bits, stride_};
}

bool MappedRowFile::IsValid(uint32_t row) const {
  if (row >= rows_mapped()) return false;
  if (options_.faults.ignore_checksum) return true;
  const std::byte* record = Record(row);
  RowHeader header;
  std::memcpy(&header, record, sizeof(header));
  return header.row == row && header.checksum == RecordChecksum(record, stride_);
}

absl::Status MappedRowFile::Sync() {
  std::shared_ptr<const Extents> extents;
  {
    std::lock_guard lock(mutex_);
    extents = extents_;
  }
  for (const std::shared_ptr<MappedFile>& map : extents->maps) KITH_RETURN_IF_ERROR(map->Sync());
  return options_.files->SyncDirectory(options_.directory);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowFile>> RowFile::Open(const RowFileOptions& options) {
  auto file = std::make_unique<MappedRowFile>(options);
  KITH_RETURN_IF_ERROR(file->MapExisting());
  return file;
}

}  // namespace kith::storage
