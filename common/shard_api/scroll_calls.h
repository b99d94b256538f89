#ifndef KITH_COMMON_SHARD_API_SCROLL_CALLS_H_
#define KITH_COMMON_SHARD_API_SCROLL_CALLS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/shard_api/shard_calls.h"

namespace kith {

// Points in the order of (slot, key), from a place on. Of two calls that follow each other a point
// that is there during both is in one reply.
struct ScrollCall {
  ShardId shard = 0;
  Uuid incarnation;
  uint32_t slot_begin = 0;
  uint32_t slot_end = 0;     // exclusive; the shard must own every slot between
  std::string after;         // empty, or a key of slot_begin: only what follows it
  uint32_t limit = 1;        // the shard may stop earlier, at limits::kScrollRowsMax
  uint32_t bytes_limit = 0;  // of vectors and payloads; one point always fits
  bool with_vector = false;
  bool with_payload = false;
  uint64_t wait_lsn = 0;
  std::shared_ptr<const Filter> filter;  // null: every point
};

struct ScrollReply {
  std::string keys;
  std::vector<uint64_t> versions;  // one a key, and so below
  std::string vectors;
  std::vector<uint32_t> payload_sizes;
  std::string payloads;
  bool at_end = false;  // no point of the slots asked for follows
  // Under a filter, where it stopped among points that do not pass: the key behind which the next
  // call goes on. Empty: behind the last of `keys`.
  std::string reached;
};

}  // namespace kith

#endif  // KITH_COMMON_SHARD_API_SCROLL_CALLS_H_
