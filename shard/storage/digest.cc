#include "shard/storage/digest.h"

#include <fmt/format.h>

#define XXH_STATIC_LINKING_ONLY  // the size of the hashing state, to keep it on the stack
#include <xxhash.h>

#include "common/base/byte_codec.h"

namespace kith::storage {

Digest PointDigest(const PointKey& key, uint64_t version, uint64_t content_hash) {
  char bytes[PointKey::kSize + 16];
  std::memcpy(bytes, key.bytes.data(), PointKey::kSize);
  PutLittleEndian(PutLittleEndian(bytes + PointKey::kSize, version), content_hash);
  const XXH128_hash_t hash = XXH3_128bits(bytes, sizeof(bytes));
  return {hash.low64, hash.high64};
}

Digest PostingDigest(uint16_t field, std::string_view value, uint32_t row) {
  std::string bytes(6 + value.size(), '\0');
  char* const text = PutLittleEndian(PutLittleEndian(bytes.data(), field), row);
  std::memcpy(text, value.data(), value.size());
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

// The sizes come first: a byte that moves from the vector to the payload must change the hash.
uint64_t ContentHash(std::string_view vector, std::string_view payload) {
  char sizes[16];
  PutLittleEndian(PutLittleEndian(sizes, uint64_t{vector.size()}), uint64_t{payload.size()});
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, sizes, sizeof(sizes));
  XXH3_64bits_update(&state, vector.data(), vector.size());
  XXH3_64bits_update(&state, payload.data(), payload.size());
  return XXH3_64bits_digest(&state);
}

std::string Digest::ToString() const { return fmt::format("{:016x}{:016x}", high, low); }

Digest SumOf(const SlotDigests& digests) {
  Digest sum;
  for (const Digest& digest : digests) sum.Add(digest);
  return sum;
}

}  // namespace kith::storage
