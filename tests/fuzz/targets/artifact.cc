// Artifacts of index versions. What parses is then worked with: rows are encoded under it and
// searched, as a node does that was sent the artifact.
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "common/base/status.h"
#include "index/content_hash.h"
#include "index/encoder.h"
#include "index/search.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/target.h"
#include "tests/support/memory_rows.h"
#include "tests/unit/index_search/fabricated_index.h"

namespace kith::fuzz {
namespace {

using index::IndexVersion;

constexpr uint32_t kRows = 9;
// Encoding is by the dimension, and what is slow is not what is looked for.
constexpr uint32_t kDimensionMax = 32;
constexpr uint32_t kListsMax = 64;

std::string WithHash(std::string_view content) {
  const index::ContentHash hash = index::HashContent(content);
  std::string artifact(content);
  artifact.append(reinterpret_cast<const char*>(hash.data()), sizeof(hash));
  return artifact;
}

testing::MemoryRows SomeRows(const IndexVersion& version) {
  const auto& [dimension, metric, type] = std::tie(
      version.parameters.dimension, version.parameters.metric, version.parameters.element_type);
  testing::MemoryRows rows(metric, type, dimension);
  std::vector<uint8_t> vector(rows.vector_bytes());
  for (uint32_t row = 0; row < kRows; ++row) {
    for (uint32_t j = 0; j < dimension; ++j) {
      const float value = static_cast<float>((row * 7 + j * 3) % 11) - (row % 2 == 0 ? 0.0f : 4.0f);
      const uint16_t half = row % 2 == 0 ? 0x3c00 : 0xb800;  // 1 and -0.5
      if (type == ElementType::kU8) vector[j] = static_cast<uint8_t>(row * 31 + j);
      if (type == ElementType::kF16) std::memcpy(vector.data() + 2 * j, &half, 2);
      if (type == ElementType::kF32) std::memcpy(vector.data() + 4 * j, &value, 4);
    }
    rows.Add(PointKey::FromNumber(row), vector.data());
  }
  return rows;
}

// With all lists and unlimited depth every row is found, whatever the quantizers say.
void WorkWith(const IndexVersion& version) {
  const testing::MemoryRows rows = SomeRows(version);
  std::vector<uint32_t> numbers(kRows);
  std::iota(numbers.begin(), numbers.end(), 0u);
  const auto encoded = index::EncodeRows(version, rows.table(), numbers, 1);
  const std::shared_ptr<const index::ListSegment> segment =
      index::ListSegment::FromEncoded(version, encoded);
  Require(segment->rows() == kRows, "each row is in a list or beside them");
  index::IndexView view;
  view.metric = version.parameters.metric;
  view.element_type = version.parameters.element_type;
  view.dimension = version.dimension();
  view.rows = rows.table();
  view.version = &version;
  view.segments = {&segment, 1};
  view.indexed_end = kRows;
  index::SearchOptions options;
  options.limit = kRows;
  options.nprobe = version.lists();
  options.refine = options.rerank = index::kUnlimited;
  const std::vector<float> query(version.dimension(), 1.0f);
  const std::vector<uint8_t> byte_query(version.dimension(), 1);
  const void* vector = QueryType(view.element_type) == ElementType::kU8
                           ? static_cast<const void*>(byte_query.data())
                           : query.data();
  index::SearchWorkspace workspace;
  index::SearchAnswer answer;
  const index::Status status = index::Search({view, vector}, options, workspace, answer);
  Require(status.ok() && answer.hits.size() == kRows, "a search of everything finds every row");
}

void Take(std::string_view artifact) {
  const auto version = index::ParseIndexVersion(artifact);
  if (!version.ok()) return;
  Require(index::SerializeIndexVersion(**version) == artifact, "an artifact says only one thing");
  if ((*version)->dimension() <= kDimensionMax && (*version)->lists() <= kListsMax) {
    WorkWith(**version);
  }
}

std::string SeedOf(const index::IndexParameters& parameters) {
  std::mt19937 random(1);
  std::string artifact = index::SerializeIndexVersion(*index::NoiseVersion(parameters, random));
  return artifact.substr(0, artifact.size() - sizeof(index::ContentHash));
}

}  // namespace

std::vector<std::string> Seeds() {
  using index::PlaneB;
  std::vector<std::string> seeds = {
      SeedOf({2, Metric::kL2, ElementType::kF32, 3, 1, PlaneB::kResidual, 0, 1}),
      SeedOf({2, Metric::kInnerProduct, ElementType::kF16, 2, 2, PlaneB::kResidual, 0, 2}),
      SeedOf({2, Metric::kL2, ElementType::kU8, 2, 1, PlaneB::kRawU8, 0, 3}),
      SeedOf({1, Metric::kCosine, ElementType::kF32, 1, 1, PlaneB::kResidual, 0, 4}),
      SeedOf({9, Metric::kCosine, ElementType::kF32, 2, 3, PlaneB::kPackedResidual, 8, 5})};
  seeds.push_back(WithHash(seeds[0]));
  return seeds;
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  kith::fuzz::Take(input);
  kith::fuzz::Take(kith::fuzz::WithHash(input));
  return 0;
}
