#include "bench/library/row_image.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <span>

#include "cli/data/read_only_file.h"
#include "common/base/status.h"

namespace kith::bench {
namespace {

constexpr char kMagic[] = "KITHROWS";

}  // namespace

RowImage::RowImage(const cli::VectorMatrix& base)
    : head_{{},
            static_cast<uint32_t>(base.rows),
            base.shape.dimension,
            static_cast<uint32_t>(base.shape.element_type),
            RowTable::StrideFor(base.shape.row_bytes()),
            {}},
      bytes_(size_t{head_.stride} * head_.rows),
      extent_(bytes_.data()) {
  std::memcpy(head_.magic, kMagic, sizeof(head_.magic));
  for (uint32_t row = 0; row < head_.rows; ++row) {
    RowHeader header{};
    header.row = row;
    header.version = 1;
    header.inverse_norm = 1;
    const PointKey key = PointKey::FromNumber(row);
    std::memcpy(header.key, key.bytes.data(), PointKey::kSize);
    std::byte* record = bytes_.data() + size_t{row} * head_.stride;
    std::memcpy(record, &header, sizeof(header));
    std::memcpy(record + sizeof(header), base.Row(row), base.shape.row_bytes());
  }
}

absl::Status RowImage::Write(const std::string& path) const {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&head_), sizeof(head_));
  file.write(reinterpret_cast<const char*>(bytes_.data()),
             static_cast<std::streamsize>(bytes_.size()));
  if (!file.flush()) return absl::UnavailableError("cannot write " + path);
  return absl::OkStatus();
}

MappedRows::~MappedRows() {
  if (mapping_ != nullptr) munmap(mapping_, bytes_);
}

absl::Status MappedRows::Open(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const cli::ReadOnlyFile file, cli::ReadOnlyFile::Open(path));
  KITH_RETURN_IF_ERROR(file.ReadAt(0, std::as_writable_bytes(std::span(&head_, 1))));
  bytes_ = sizeof(head_) + size_t{head_.stride} * head_.rows;
  if (std::memcmp(head_.magic, kMagic, sizeof(head_.magic)) != 0 || file.size() != bytes_) {
    return absl::DataLossError(path + " is not a whole row file of this bench: remove it");
  }
  std::FILE* stream = std::fopen(path.c_str(), "rb");
  if (stream == nullptr) return absl::UnavailableError("cannot open " + path);
  void* mapping = mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, fileno(stream), 0);
  // The kernel maps whatever cached pages lie around one that is touched: let none be cached that
  // nothing asks for, or they would count as the index's memory.
  posix_fadvise(fileno(stream), 0, 0, POSIX_FADV_DONTNEED);
  std::fclose(stream);
  if (mapping == MAP_FAILED) return absl::UnavailableError("cannot map " + path);
  mapping_ = mapping;
  madvise(mapping_, bytes_, MADV_RANDOM);
  extent_ = static_cast<const std::byte*>(mapping_) + sizeof(head_);
  return absl::OkStatus();
}

}  // namespace kith::bench
