#ifndef KITH_COORDINATOR_WRITE_WRITE_BATCH_H_
#define KITH_COORDINATOR_WRITE_WRITE_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/meta/meta_store.h"
#include "coordinator/write/upsert_call.h"

namespace kith::coordinator {

// The valid operations of one call in flat form, and what was wrong with the others.
struct WriteBatch {
  WriteKind kind = WriteKind::kUpsert;
  size_t items = 0;              // of the call
  std::vector<uint32_t> places;  // of each operation in the call; empty: operation i is item i
  std::string keys;
  std::string vectors;
  std::vector<uint32_t> payload_sizes;  // empty: none has a payload
  std::string payloads;
  std::vector<uint64_t> if_versions;                       // empty: none has a condition
  std::string change;                                      // of the payloads of all
  std::vector<std::pair<uint32_t, absl::Status>> refused;  // item, why

  size_t operations() const { return keys.size() / PointKey::kSize; }
  uint32_t PlaceOf(size_t operation) const {
    return places.empty() ? static_cast<uint32_t>(operation) : places[operation];
  }
};

// Validates and flattens an upsert. A fault of one point refuses that point (INVALID_ARGUMENT
// naming points[i]); the error returned is one of the call as a whole: INVALID_ARGUMENT
// BAD_REQUEST, BATCH_TOO_LARGE, DIMENSION_MISMATCH naming the field. Pure.
absl::StatusOr<WriteBatch> MakeUpsertBatch(const UpsertCall& call, const CollectionRecord& record);
absl::StatusOr<WriteBatch> MakeDeleteBatch(const DeleteCall& call);
absl::StatusOr<WriteBatch> MakeChangeBatch(const ChangePayloadCall& call,
                                           const CollectionRecord& record);

absl::Status CheckRequestId(const std::string& request_id);
// INVALID_ARGUMENT PAYLOAD_TOO_LARGE, BAD_PAYLOAD naming `field`.
absl::Status CheckChange(WriteKind kind, const std::string& change, const PayloadSchema& schema,
                         std::string_view field);

// XXH3-128 of what the caller asked for, the same for both forms of an upsert: a request_id that
// comes again with another one is refused by the shards.
std::string BodyHash(const WriteBatch& batch, const CollectionRecord& record);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_WRITE_WRITE_BATCH_H_
