#ifndef KITH_BENCH_LIBRARY_ENGINE_SESSION_H_
#define KITH_BENCH_LIBRARY_ENGINE_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/data/vector_reader.h"
#include "index/search.h"

namespace kith::bench {

struct EngineShape {
  uint32_t lists = 0;          // 0: what the engine chooses for so many points
  uint32_t subspaces = 0;      // 0: what the engine chooses for the dimension
  uint32_t plane_b_bytes = 0;  // 0: one a dimension
  int threads = 1;             // of training and encoding
};

// What a search may be told, beside how many neighbours it is for.
struct OperatingPoint {
  uint32_t nprobe = 1;
  uint32_t refine = 160;
  uint32_t rerank = 40;
  float stop_ratio = 0;  // 0: no early termination
};

// An index of the engine, made once and kept in a folder. What kith_library_bench calls of the
// engine is in this class; other benches search its view themselves.
// Threads: any, once opened; a Searcher belongs to one of them.
class EngineSession {
 public:
  // What one thread searches with.
  class Searcher {
   public:
    virtual ~Searcher() = default;
    // The `k` nearest of each of `count` queries as row numbers of the base file, nearest first:
    // `rows` has count x k places, and those that stay empty hold UINT32_MAX.
    virtual absl::Status Search(const OperatingPoint& point, std::span<const std::byte> queries,
                                uint32_t k, std::span<uint32_t> rows) = 0;
  };

  // Trains and encodes; writes the quantizers, the codes and the row file into `folder`. Returns
  // the seconds that training, encoding and packing took, without reading and writing.
  static absl::StatusOr<double> Build(const cli::VectorMatrix& base, const EngineShape& shape,
                                      const std::string& folder);
  // DATA_LOSS where `folder` has none, or a damaged one.
  static absl::StatusOr<std::unique_ptr<EngineSession>> Open(const std::string& folder);
  virtual ~EngineSession() = default;

  virtual std::unique_ptr<Searcher> NewSearcher() const = 0;
  virtual const index::IndexView& view() const = 0;
  virtual uint32_t points() const = 0;
  virtual const cli::FileShape& query_shape() const = 0;
  // For the reader of a report: lists, sub-spaces, kernel table.
  virtual std::string Description() const = 0;
};

}  // namespace kith::bench

#endif  // KITH_BENCH_LIBRARY_ENGINE_SESSION_H_
