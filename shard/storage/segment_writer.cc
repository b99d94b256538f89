#include "common/base/status.h"
#include "shard/storage/frame_writer.h"
#include "shard/storage/segment_file.h"

namespace kith::storage {
namespace {

// The body begins with the list table, so that a reader knows every size before it reads a list.
uint64_t BodyBytes(const index::IndexVersion& version, const index::ListSegment& segment) {
  const uint64_t side = segment.side_rows().size();
  const uint64_t row_bytes = 4 + 2 + version.subspaces() + version.plane_b_bytes();
  return uint64_t{version.lists()} * 4 + (segment.rows() - side) * row_bytes + side * 4;
}

absl::Status AppendList(FrameWriter& writer, const index::ListSegment::CanonicalList& list) {
  KITH_RETURN_IF_ERROR(writer.AppendArray<uint32_t>(list.rows));
  KITH_RETURN_IF_ERROR(writer.AppendArray<uint16_t>(list.bias));
  KITH_RETURN_IF_ERROR(writer.AppendArray<uint8_t>(list.plane_a));
  return writer.AppendArray<uint8_t>(list.plane_b);
}

}  // namespace

absl::Status WriteSegmentFile(FileSystem& files, const std::string& path,
                              const SegmentIdentity& identity, const index::IndexVersion& version,
                              const index::ListSegment& segment) {
  FrameHeader header;
  header.magic = kSegmentMagic;
  header.incarnation = identity.incarnation;
  header.index_version = identity.index_version;
  header.dimension = version.dimension();
  header.subspaces = version.subspaces();
  header.plane_b_bytes = version.plane_b_bytes();
  header.lists = version.lists();
  header.side_rows = segment.side_rows().size();
  header.body_bytes = BodyBytes(version, segment);
  KITH_ASSIGN_OR_RETURN(FrameWriter writer, FrameWriter::Begin(files, path, header));
  std::vector<uint32_t> counts(version.lists());
  for (uint32_t list = 0; list < version.lists(); ++list) counts[list] = segment.list(list).count;
  KITH_RETURN_IF_ERROR(writer.AppendArray<uint32_t>(counts));
  for (uint32_t list = 0; list < version.lists(); ++list) {
    KITH_RETURN_IF_ERROR(AppendList(writer, segment.Canonical(list)));
  }
  KITH_RETURN_IF_ERROR(writer.AppendArray<uint32_t>(segment.side_rows()));
  return writer.Finish();
}

}  // namespace kith::storage
