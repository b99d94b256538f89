#ifndef KITH_COORDINATOR_ADMIN_COLLECTION_SHAPE_H_
#define KITH_COORDINATOR_ADMIN_COLLECTION_SHAPE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "coordinator/admin/collection_service.h"

// What a collection may look like. INVALID_ARGUMENT BAD_REQUEST naming the request's field. Pure.
namespace kith::coordinator {

// Of a collection or an alias, as `field` of the request.
absl::Status CheckName(const std::string& name, std::string_view field = "collection");
absl::Status CheckDescription(const std::string& description);
// ABORTED ETAG_MISMATCH. Empty: nothing is asked of the record.
absl::Status CheckEtag(const CollectionRecord& record, const std::string& etag);
absl::Status CheckShape(uint32_t dimension, Metric metric, ElementType element_type);
absl::Status CheckShards(uint32_t shards);
absl::Status CheckIndexChoice(const IndexChoice& choice, uint32_t dimension);
absl::Status CheckExpected(const IndexChoice& choice, uint64_t shards);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_COLLECTION_SHAPE_H_
