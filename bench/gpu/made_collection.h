#ifndef KITH_BENCH_GPU_MADE_COLLECTION_H_
#define KITH_BENCH_GPU_MADE_COLLECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/gpu/report.h"
#include "common/vector/row_table.h"
#include "index/search.h"

namespace kith::bench {

// Points around centres, and queries as they are; both centres and what is around them are spread
// less from one dimension to the next.
class MadePoints {
 public:
  static constexpr uint32_t kDimension = 96;
  static constexpr uint32_t kQueries = 1000;

  explicit MadePoints(uint32_t points);

  const RowTable& table() const { return table_; }
  const float* query(uint32_t i) const { return &queries_[size_t{i} * kDimension]; }

 private:
  uint32_t stride_;
  std::vector<std::byte> records_;
  std::vector<float> queries_;
  const std::byte* extent_ = nullptr;
  RowTable table_;
};

using Hits = std::vector<std::vector<index::Hit>>;

// Made points, trained and encoded by the engine, and the true neighbours of the queries.
struct MadeCollection {
  std::unique_ptr<MadePoints> points;
  std::shared_ptr<const index::IndexVersion> version;
  std::vector<std::shared_ptr<const index::ListSegment>> segments;
  Hits truth;

  index::IndexView View() const;
};

// Without the truth.
index::Status MakeCollection(uint32_t count, Report& report, MadeCollection& made);

// Of the hits of `truth`, the share that is among those found.
double ShareFound(const Hits& found, const Hits& truth);

// base.f32 and queries.f32 (rows of floats), truth.u32 (rows of row numbers), for other libraries.
// False where they cannot be written.
bool WriteForPeers(const MadeCollection& made, const std::string& folder);

}  // namespace kith::bench

#endif  // KITH_BENCH_GPU_MADE_COLLECTION_H_
