#include "shard/storage/frame_writer.h"

#include <algorithm>
#include <utility>

#include "common/base/byte_codec.h"
#include "common/base/status.h"

namespace kith::storage {
namespace {

std::string Beside(const std::string& path) { return path + ".new"; }

}  // namespace

FrameWriter::FrameWriter(FileSystem& files, std::string path, std::unique_ptr<WritableFile> file)
    : files_(&files), path_(std::move(path)), file_(std::move(file)), hash_(XXH3_createState()) {
  XXH3_128bits_reset(hash_.get());
  block_.reserve(kBlockBytes);
}

// A writer that was moved from has no file; one that finished has none either.
FrameWriter::~FrameWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  (void)files_->Remove(Beside(path_));
}

absl::StatusOr<FrameWriter> FrameWriter::Begin(FileSystem& files, const std::string& path,
                                               FrameHeader header) {
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, files.Create(Beside(path)));
  FrameWriter writer(files, path, std::move(file));
  header.name_hash = NameHash(path);
  KITH_RETURN_IF_ERROR(writer.WriteHashed(EncodeFrameHeader(header)));
  return writer;
}

absl::Status FrameWriter::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t piece = std::min(bytes.size(), kBlockBytes - block_.size());
    block_.append(bytes.substr(0, piece));
    bytes.remove_prefix(piece);
    if (block_.size() == kBlockBytes) KITH_RETURN_IF_ERROR(WriteBlock());
  }
  return absl::OkStatus();
}

absl::Status FrameWriter::WriteBlock() {
  AppendLittleEndian(block_checksums_, uint64_t{XXH3_64bits(block_.data(), block_.size())});
  KITH_RETURN_IF_ERROR(WriteHashed(block_));
  block_.clear();
  return absl::OkStatus();
}

absl::Status FrameWriter::WriteHashed(std::string_view bytes) {
  XXH3_128bits_update(hash_.get(), bytes.data(), bytes.size());
  return file_->Append(bytes);
}

absl::Status FrameWriter::Finish() {
  if (!block_.empty()) KITH_RETURN_IF_ERROR(WriteBlock());
  KITH_RETURN_IF_ERROR(WriteHashed(block_checksums_));
  const XXH128_hash_t hash = XXH3_128bits_digest(hash_.get());
  std::string end;
  AppendLittleEndian(end, uint64_t{hash.low64});
  AppendLittleEndian(end, uint64_t{hash.high64});
  KITH_RETURN_IF_ERROR(file_->Append(end));
  KITH_RETURN_IF_ERROR(file_->Sync());
  KITH_RETURN_IF_ERROR(files_->Rename(Beside(path_), path_));
  file_.reset();
  return files_->SyncDirectory(ParentDirectory(path_));
}

}  // namespace kith::storage
