#ifndef KITH_SHARD_STORAGE_SEGMENT_FORMAT_H_
#define KITH_SHARD_STORAGE_SEGMENT_FORMAT_H_

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/ids.h"

namespace kith::storage {

// The frame that segment and tombstone files share: a checksummed header, a body of known size, an
// XXH3-64 of every 64 KiB block of the body, an XXH3-128 of all before it. Every size follows from
// the header, so a file is measured before anything of it is believed. docs/formats.md has the
// bytes.
inline constexpr size_t kBlockBytes = 64 << 10;
inline constexpr size_t kFrameHeaderSize = 128;
inline constexpr size_t kFrameHashSize = 16;
inline constexpr uint32_t kFrameFormatVersion = 1;

inline constexpr uint64_t kSegmentMagic = 0x314745534854494b;    // "KITHSEG1"
inline constexpr uint64_t kTombstoneMagic = 0x32424d544854494b;  // "KITHTMB2"

struct FrameHeader {
  uint64_t magic = 0;
  uint32_t format_version = kFrameFormatVersion;
  uint32_t oldest_reader = kFrameFormatVersion;
  uint64_t name_hash = 0;  // XXH3-64 of the file's own name: two files that changed places show
  uint64_t body_bytes = 0;
  Uuid incarnation;           // segments only, and so below
  std::string index_version;  // 32 hex digits
  uint32_t dimension = 0;
  uint32_t subspaces = 0;
  uint32_t lists = 0;
  uint32_t plane_b_bytes = 0;
  uint64_t side_rows = 0;
};

uint64_t NameHash(const std::string& path);
uint64_t FrameFileSize(uint64_t body_bytes);
std::string EncodeFrameHeader(const FrameHeader& header);
// DATA_LOSS CORRUPTION, FAILED_PRECONDITION FORMAT_VERSION.
absl::StatusOr<FrameHeader> DecodeFrameHeader(const std::string& path, std::string_view file,
                                              uint64_t magic);

// Checks everything; answers the body, a part of `file`.
absl::StatusOr<std::string_view> CheckFrame(const std::string& path, std::string_view file,
                                            const FrameHeader& header);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_SEGMENT_FORMAT_H_
