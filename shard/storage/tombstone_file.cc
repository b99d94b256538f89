#include <cstring>

#include "common/base/status.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/frame_writer.h"
#include "shard/storage/segment_file.h"

namespace kith::storage {

absl::Status WriteTombstoneFile(FileSystem& files, const std::string& path,
                                const std::vector<uint64_t>& words) {
  FrameHeader header;
  header.magic = kTombstoneMagic;
  header.body_bytes = words.size() * sizeof(uint64_t);
  KITH_ASSIGN_OR_RETURN(FrameWriter writer, FrameWriter::Begin(files, path, header));
  KITH_RETURN_IF_ERROR(writer.AppendArray<uint64_t>(words));
  return writer.Finish();
}

absl::StatusOr<std::vector<uint64_t>> ReadTombstoneFile(FileSystem& files,
                                                        const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> map, files.MapReadOnly(path));
  const std::string_view file(reinterpret_cast<const char*>(map->data()), map->size());
  KITH_ASSIGN_OR_RETURN(const FrameHeader header, DecodeFrameHeader(path, file, kTombstoneMagic));
  KITH_ASSIGN_OR_RETURN(const std::string_view body, CheckFrame(path, file, header));
  if (body.size() % sizeof(uint64_t) != 0) return CorruptFile(path, "its size is not of words");
  std::vector<uint64_t> words(body.size() / sizeof(uint64_t));
  if (!words.empty()) std::memcpy(words.data(), body.data(), body.size());
  return words;
}

}  // namespace kith::storage
