#ifndef KITH_COORDINATOR_ADMIN_PARAMETER_CHOICE_H_
#define KITH_COORDINATOR_ADMIN_PARAMETER_CHOICE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/meta/meta_store.h"
#include "coordinator/admin/collection_service.h"
#include "index/auto_parameters.h"

// index::ChooseParameters in words. Pure.
namespace kith::coordinator {

// Points that one training can be given: a reply carries the hashes of the whole sample, and its
// vectors stand in the trainer's memory.
uint64_t SampleMost(uint32_t dimension);

// What `choice` leaves open is as `record` says, and what that leaves open is chosen for
// `expected_points`.
index::AutoRequest RequestOf(const CollectionRecord& record, const IndexChoice& choice,
                             uint64_t expected_points);

// A sentence for each parameter: what it is and why; one more where memory is short.
std::vector<std::string> Explain(const index::AutoRequest& request,
                                 std::span<const index::NodeShare> nodes,
                                 const index::AutoChoice& choice);

// Where such a shape fell short of the recall when it was measured, on other data, a sentence that
// says so; else nothing. Training measures what this collection's data come to.
std::string KnownRecall(const index::IndexParameters& parameters, double target_recall);

// Where not even the smallest shape has room: by how much, and what would help.
std::string WhyNoRoom(const index::AutoRequest& request, const index::NodeShare& fullest,
                      const index::AutoChoice& choice);

// RESOURCE_EXHAUSTED MEMORY_LIMIT where a collection of `record.expected_points`, if it says so,
// would find no room.
absl::Status CheckExpectedPoints(const CollectionRecord& record,
                                 std::span<const index::NodeShare> nodes);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_PARAMETER_CHOICE_H_
