#include "common/base/status.h"
#include "shard/storage/frame_writer.h"
#include "shard/storage/segment_file.h"

namespace kith::storage {

absl::Status ReassignSegmentFile(FileSystem& files, const std::string& path, const Uuid& to) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<MappedFile> map, files.MapReadOnly(path));
  const std::string_view file(reinterpret_cast<const char*>(map->data()), map->size());
  KITH_ASSIGN_OR_RETURN(FrameHeader header, DecodeFrameHeader(path, file, kSegmentMagic));
  KITH_ASSIGN_OR_RETURN(const std::string_view body, CheckFrame(path, file, header));
  header.incarnation = to;
  KITH_ASSIGN_OR_RETURN(FrameWriter writer, FrameWriter::Begin(files, path, header));
  KITH_RETURN_IF_ERROR(writer.Append(body));
  return writer.Finish();
}

}  // namespace kith::storage
