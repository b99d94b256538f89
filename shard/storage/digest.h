#ifndef KITH_SHARD_STORAGE_DIGEST_H_
#define KITH_SHARD_STORAGE_DIGEST_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/limits.h"
#include "common/vector/point_key.h"

namespace kith::storage {

// A sum modulo 2^128 of the hashes of a slot's live points: adding and subtracting in any order
// gives the same value, so truth and index can each keep their own and be compared.
struct Digest {
  uint64_t low = 0;
  uint64_t high = 0;

  void Add(const Digest& other) {
    low += other.low;
    high += other.high + (low < other.low ? 1 : 0);
  }
  void Subtract(const Digest& other) {
    const uint64_t before = low;
    low -= other.low;
    high -= other.high + (low > before ? 1 : 0);
  }
  std::string ToString() const;  // 32 hex digits, the high ones first
  bool operator==(const Digest&) const = default;
};

using SlotDigests = std::vector<Digest>;  // limits::kSlots of them

Digest SumOf(const SlotDigests& digests);

// XXH3-128 over key, version and content hash.
Digest PointDigest(const PointKey& key, uint64_t version, uint64_t content_hash);

// XXH3-128 over field, row and value: of one posting.
Digest PostingDigest(uint16_t field, std::string_view value, uint32_t row);

// XXH3-64 over the stored vector's bytes, the payload and their sizes.
uint64_t ContentHash(std::string_view vector, std::string_view payload);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_DIGEST_H_
