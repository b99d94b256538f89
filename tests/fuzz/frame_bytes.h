#ifndef KITH_TESTS_FUZZ_FRAME_BYTES_H_
#define KITH_TESTS_FUZZ_FRAME_BYTES_H_

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "shard/storage/segment_format.h"

namespace kith::fuzz {

// A framed file (shard/storage/segment_format.h) of a header and a body, with what no mutation gets
// right by chance made right: its size, its name and its checksums.
inline std::string Framed(std::string_view header_and_body, const std::string& path) {
  using storage::kFrameHeaderSize;
  std::string file(header_and_body);
  file.resize(std::max(file.size(), kFrameHeaderSize));
  const uint64_t body = file.size() - kFrameHeaderSize;
  const uint64_t name = storage::NameHash(path);
  std::memcpy(file.data() + 16, &name, sizeof(name));
  std::memcpy(file.data() + 24, &body, sizeof(body));
  const uint64_t header = XXH3_64bits(file.data(), kFrameHeaderSize - 8);
  std::memcpy(file.data() + kFrameHeaderSize - 8, &header, sizeof(header));
  for (uint64_t at = 0; at < body; at += storage::kBlockBytes) {
    const uint64_t sum = XXH3_64bits(file.data() + kFrameHeaderSize + at,
                                     std::min<uint64_t>(storage::kBlockBytes, body - at));
    file.append(reinterpret_cast<const char*>(&sum), sizeof(sum));
  }
  const XXH128_hash_t whole = XXH3_128bits(file.data(), file.size());
  file.append(reinterpret_cast<const char*>(&whole.low64), 8);
  file.append(reinterpret_cast<const char*>(&whole.high64), 8);
  return file;
}

// What Framed makes a file of.
inline std::string_view HeaderAndBody(std::string_view file) {
  const size_t rest = file.size() - storage::kFrameHeaderSize - storage::kFrameHashSize;
  const size_t blocks = (rest + storage::kBlockBytes + 7) / (storage::kBlockBytes + 8);
  return file.substr(0, file.size() - storage::kFrameHashSize - 8 * blocks);
}

}  // namespace kith::fuzz

#endif  // KITH_TESTS_FUZZ_FRAME_BYTES_H_
