#include "shard/storage/segment_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "common/base/byte_codec.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/errno_status.h"

namespace kith::storage {
namespace {

constexpr size_t kHeaderChecked = kFrameHeaderSize - 8;  // its own checksum is the rest
constexpr size_t kIndexVersionSize = 32;

uint64_t BlockCount(uint64_t body_bytes) { return (body_bytes + kBlockBytes - 1) / kBlockBytes; }

absl::Status CheckVersion(const std::string& path, const FrameHeader& header) {
  if (header.oldest_reader <= kFrameFormatVersion) return absl::OkStatus();
  return Error(
      absl::StatusCode::kFailedPrecondition, reason::kFormatVersion,
      fmt::format("{} has format version {} and needs a reader of version {}; this program "
                  "reads {}. Start the newer program that wrote it",
                  path, header.format_version, header.oldest_reader, kFrameFormatVersion));
}

}  // namespace

uint64_t NameHash(const std::string& path) {
  const std::string_view name = std::string_view(path).substr(path.find_last_of('/') + 1);
  return XXH3_64bits(name.data(), name.size());
}

uint64_t FrameFileSize(uint64_t body_bytes) {
  return kFrameHeaderSize + body_bytes + BlockCount(body_bytes) * 8 + kFrameHashSize;
}

std::string EncodeFrameHeader(const FrameHeader& header) {
  std::string bytes;
  AppendLittleEndian(bytes, header.magic);
  AppendLittleEndian(bytes, header.format_version);
  AppendLittleEndian(bytes, header.oldest_reader);
  AppendLittleEndian(bytes, header.name_hash);
  AppendLittleEndian(bytes, header.body_bytes);
  bytes.append(header.incarnation.view());
  bytes.append(header.index_version.substr(0, kIndexVersionSize));
  bytes.resize(80, '\0');
  AppendLittleEndian(bytes, header.dimension);
  AppendLittleEndian(bytes, header.subspaces);
  AppendLittleEndian(bytes, header.lists);
  AppendLittleEndian(bytes, header.plane_b_bytes);
  AppendLittleEndian(bytes, header.side_rows);
  bytes.resize(kHeaderChecked, '\0');
  AppendLittleEndian(bytes, uint64_t{XXH3_64bits(bytes.data(), bytes.size())});
  return bytes;
}

absl::StatusOr<FrameHeader> DecodeFrameHeader(const std::string& path, std::string_view file,
                                              uint64_t magic) {
  if (file.size() < kFrameHeaderSize) return CorruptFile(path, "it is cut short");
  const char* at = file.data();
  FrameHeader header;
  header.magic = GetLittleEndian<uint64_t>(at);
  header.format_version = GetLittleEndian<uint32_t>(at + 8);
  header.oldest_reader = GetLittleEndian<uint32_t>(at + 12);
  header.name_hash = GetLittleEndian<uint64_t>(at + 16);
  header.body_bytes = GetLittleEndian<uint64_t>(at + 24);
  std::copy_n(at + 32, 16, reinterpret_cast<char*>(header.incarnation.bytes.data()));
  header.index_version.assign(at + 48, kIndexVersionSize);
  header.index_version.resize(header.index_version.find_last_not_of('\0') + 1);
  header.dimension = GetLittleEndian<uint32_t>(at + 80);
  header.subspaces = GetLittleEndian<uint32_t>(at + 84);
  header.lists = GetLittleEndian<uint32_t>(at + 88);
  header.plane_b_bytes = GetLittleEndian<uint32_t>(at + 92);
  header.side_rows = GetLittleEndian<uint64_t>(at + 96);
  if (header.magic != magic) return CorruptFile(path, "it does not begin as such a file does");
  if (GetLittleEndian<uint64_t>(at + kHeaderChecked) != XXH3_64bits(at, kHeaderChecked)) {
    return CorruptFile(path, "its header does not match its checksum");
  }
  KITH_RETURN_IF_ERROR(CheckVersion(path, header));
  if (header.name_hash != NameHash(path)) {
    return CorruptFile(path, "it was written under another name");
  }
  return header;
}

absl::StatusOr<std::string_view> CheckFrame(const std::string& path, std::string_view file,
                                            const FrameHeader& header) {
  // The first comparison keeps the sum in the second one from wrapping.
  if (header.body_bytes > file.size() || file.size() != FrameFileSize(header.body_bytes)) {
    return CorruptFile(
        path, fmt::format("it has {} bytes, which is not what its header says", file.size()));
  }
  const std::string_view body = file.substr(kFrameHeaderSize, header.body_bytes);
  const char* checksums = body.data() + body.size();
  for (uint64_t block = 0; block < BlockCount(body.size()); ++block) {
    const std::string_view bytes = body.substr(block * kBlockBytes, kBlockBytes);
    if (GetLittleEndian<uint64_t>(checksums + block * 8) !=
        XXH3_64bits(bytes.data(), bytes.size())) {
      return CorruptFile(path, fmt::format("block {} (bytes from {}) does not match its checksum",
                                           block, kFrameHeaderSize + block * kBlockBytes));
    }
  }
  const std::string_view hashed = file.substr(0, file.size() - kFrameHashSize);
  const XXH128_hash_t hash = XXH3_128bits(hashed.data(), hashed.size());
  const char* stored = hashed.data() + hashed.size();
  if (GetLittleEndian<uint64_t>(stored) != hash.low64 ||
      GetLittleEndian<uint64_t>(stored + 8) != hash.high64) {
    return CorruptFile(path, "it does not match the hash at its end");
  }
  return body;
}

}  // namespace kith::storage
