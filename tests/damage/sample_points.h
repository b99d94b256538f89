#ifndef KITH_TESTS_DAMAGE_SAMPLE_POINTS_H_
#define KITH_TESTS_DAMAGE_SAMPLE_POINTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "kith/v1/filter.pb.h"
#include "kith/v1/types.pb.h"

namespace kith::test {

// One of the collections of the sample, whose every point follows from its id: what a server holds
// is computed again where it is needed, from nothing but the numbers here. A fixture that is
// checked in depends on them: never change one.
struct SampleCollection {
  const char* name;
  uint32_t number;  // of the collection, a seed
  uint32_t dimension;
  v1::Metric metric;
  v1::ElementType element_type;
  uint32_t shards;
  uint64_t points;  // of the first stage; a tenth of it comes in the second
  bool is_trained;
  bool has_fields;
};

// Three of them: bytes (u8, L2, trained, fields), floats (f32, cosine, two shards, trained, fields)
// and plain (f32, inner product, neither). `size` is the points of the first.
std::vector<SampleCollection> SampleCollections(uint64_t size);

// What was written: first all points, then some again and some deleted; after a restart more
// points, some once more, some deleted. kFirst is as of the first stage's end.
enum class SampleStage { kFirst, kSecond };

uint64_t SampleEnd(const SampleCollection& collection);           // ids are below it
bool IsSampled(const SampleCollection& collection, uint64_t id);  // is there at the end
uint32_t SampleRevision(const SampleCollection& collection, uint64_t id, SampleStage stage);
bool IsDeletedIn(const SampleCollection& collection, uint64_t id, SampleStage stage);
bool IsRewrittenIn(const SampleCollection& collection, uint64_t id, SampleStage stage);

std::vector<float> SampleVector(const SampleCollection& collection, uint64_t id, uint32_t revision);
std::vector<float> SampleQuery(const SampleCollection& collection, uint64_t number);
std::string SamplePayload(const SampleCollection& collection, uint64_t id, uint32_t revision);
// In the collection's element type.
std::string VectorBytes(const SampleCollection& collection, const std::vector<float>& vector);

// One of a few filters, and whether a point passes it.
v1::Filter SampleFilter(uint64_t number);
bool PassesSampleFilter(uint64_t number, uint64_t id, uint32_t revision);

}  // namespace kith::test

#endif  // KITH_TESTS_DAMAGE_SAMPLE_POINTS_H_
