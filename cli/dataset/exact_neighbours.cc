#include "cli/dataset/exact_neighbours.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "cli/console/progress.h"
#include "cli/data/element_conversion.h"
#include "cli/data/row_layout.h"
#include "cli/dataset/parallel.h"
#include "cli/dataset/truth_checkpoint.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/decode.h"
#include "index/kernels/kernel_table.h"

namespace kith::cli {
namespace {

constexpr auto kSavePeriod = std::chrono::seconds(10);
constexpr size_t kBlockBytes = 8 << 20;  // of rows read at once
constexpr size_t kTileBytes = 64 << 10;  // of rows compared with one query after another, in cache
constexpr uint64_t kQueryGroup = 64;     // queries that one thread takes at once

// The k nearest rows seen. Rows must come in ascending order: of equals the first then stays.
// Threads: one at a time.
class Nearest {
 public:
  void Offer(float rank, uint32_t row, size_t k) {
    if (heap_.size() == k && !(rank < heap_.front().rank)) return;
    if (heap_.size() == k) {
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.pop_back();
    }
    heap_.push_back({rank, row});
    std::push_heap(heap_.begin(), heap_.end());
  }
  const std::vector<Candidate>& heap() const { return heap_; }
  void Restore(std::vector<Candidate> heap) {
    heap_ = std::move(heap);
    std::make_heap(heap_.begin(), heap_.end());
  }
  const std::vector<Candidate>& Sorted() {
    std::sort_heap(heap_.begin(), heap_.end());
    return heap_;
  }

 private:
  std::vector<Candidate> heap_;
};

// The server's formula, so that its exact answers have the bits of a truth file.
float InverseNorm(const std::byte* row, const FileShape& shape) {
  return index::InverseNorm({shape.element_type, row, shape.dimension});
}

// Threads: Compare of different queries from any; Load alone.
class Comparison {
 public:
  Comparison(const VectorMatrix& queries, const ExactNeighboursOptions& options)
      : queries_(queries), options_(options), nearest_(queries.rows) {
    if (options.metric != Metric::kCosine) return;
    for (uint64_t q = 0; q < queries.rows; ++q) {
      query_norms_.push_back(InverseNorm(queries.Row(q), queries.shape));
    }
  }

  absl::Status Check() const {
    if (queries_.shape.element_type != ElementType::kU8) {
      KITH_RETURN_IF_ERROR(CheckAllFinite("query", 0, queries_.bytes));
    }
    for (size_t q = 0; q < query_norms_.size(); ++q) {
      if (query_norms_[q] != 0) continue;
      return Error(absl::StatusCode::kInvalidArgument, reason::kZeroVectorCosine,
                   fmt::format("query {} is zero, which has no cosine with anything", q));
    }
    return absl::OkStatus();
  }

  // A row with NaN would be nearest to nothing, and say so of nothing.
  absl::Status CheckFinite(const RowBatch& block) const {
    if (queries_.shape.element_type == ElementType::kU8) return absl::OkStatus();
    return CheckAllFinite("row", block.begin.row, block.vectors);
  }

  void Load(const RowBatch& block) {
    rows_.clear();
    norms_.clear();
    first_row_ = static_cast<uint32_t>(block.begin.row);
    for (size_t i = 0; i < block.rows(); ++i) {
      const std::byte* row = block.vectors.data() + i * queries_.shape.row_bytes();
      rows_.push_back(row);
      if (options_.metric == Metric::kCosine) norms_.push_back(InverseNorm(row, queries_.shape));
    }
  }

  // Of queries [first, end) with the loaded block.
  void Compare(uint64_t first, uint64_t end) {
    const size_t tile = std::max<size_t>(8, kTileBytes / queries_.shape.row_bytes());
    std::vector<float> scores(tile);
    for (size_t at = 0; at < rows_.size(); at += tile) {
      const size_t count = std::min(tile, rows_.size() - at);
      for (uint64_t q = first; q < end; ++q) {
        Score(q, at, count, scores.data());
        for (size_t i = 0; i < count; ++i) {
          nearest_[q].Offer(Rank(scores[i], q, at + i), first_row_ + static_cast<uint32_t>(at + i),
                            options_.k);
        }
      }
    }
  }

  TruthProgress ProgressAt(uint64_t next_row) const {
    TruthProgress progress{options_.identity, next_row, {}};
    for (const Nearest& nearest : nearest_) progress.nearest.push_back(nearest.heap());
    return progress;
  }
  bool Restore(TruthProgress progress) {
    if (progress.nearest.size() != nearest_.size()) return false;
    for (size_t q = 0; q < nearest_.size(); ++q) {
      nearest_[q].Restore(std::move(progress.nearest[q]));
    }
    return true;
  }

  NeighbourTable Table() {
    NeighbourTable table;
    table.queries = static_cast<uint32_t>(queries_.rows);
    table.depth = options_.k;
    for (Nearest& nearest : nearest_) {
      for (const Candidate& candidate : nearest.Sorted()) {
        table.ids.push_back(candidate.row);
        table.scores.push_back(ScoreFromRank(options_.metric, candidate.rank));
      }
    }
    return table;
  }

 private:
  absl::Status CheckAllFinite(std::string_view what, uint64_t first,
                              std::span<const std::byte> vectors) const {
    for (size_t i = 0; i < vectors.size() / sizeof(float); ++i) {
      float value = 0;
      std::memcpy(&value, vectors.data() + i * sizeof(float), sizeof(float));
      if (std::isfinite(value)) continue;
      return Error(absl::StatusCode::kInvalidArgument, reason::kNonFiniteVector,
                   fmt::format("element {} of {} {} is {}: leave the vector out or repair it",
                               i % queries_.shape.dimension, what,
                               first + i / queries_.shape.dimension, value));
    }
    return absl::OkStatus();
  }
  void Score(uint64_t query, size_t at, size_t count, float* out) const {
    const index::KernelTable& kernels = index::ActiveKernels();
    const bool l2 = options_.metric == Metric::kL2;
    const void* const* vectors = rows_.data() + at;
    if (queries_.shape.element_type == ElementType::kU8) {
      const auto* bytes = reinterpret_cast<const uint8_t*>(queries_.Row(query));
      (l2 ? kernels.l2_u8 : kernels.ip_u8)(bytes, vectors, count, queries_.shape.dimension, out);
    } else {
      const auto* floats = reinterpret_cast<const float*>(queries_.Row(query));
      (l2 ? kernels.l2_f32 : kernels.ip_f32)(floats, vectors, count, queries_.shape.dimension, out);
    }
  }
  float Rank(float score, uint64_t query, size_t row) const {
    if (!norms_.empty()) score = score * norms_[row] * query_norms_[query];
    return OrderedRank(RankFromScore(options_.metric, score));
  }

  const VectorMatrix& queries_;
  const ExactNeighboursOptions& options_;
  std::vector<float> query_norms_;
  std::vector<Nearest> nearest_;
  std::vector<const void*> rows_;
  std::vector<float> norms_;
  uint32_t first_row_ = 0;
};

absl::Status CheckShapes(const FileShape& base, const VectorMatrix& queries, uint32_t k) {
  const auto error = [](std::string_view reason, std::string_view what) {
    return Error(absl::StatusCode::kInvalidArgument, reason, what);
  };
  if (base.dimension != queries.shape.dimension) {
    return error(reason::kDimensionMismatch,
                 fmt::format("the base has dimension {}, the queries {}", base.dimension,
                             queries.shape.dimension));
  }
  if (base.element_type != queries.shape.element_type) {
    return error(reason::kBadVector,
                 fmt::format("the base holds {} elements, the queries {}: both must be the same",
                             NameOf(base.element_type), NameOf(queries.shape.element_type)));
  }
  const uint64_t rows = base.rows.value_or(0);
  if (rows > std::numeric_limits<int32_t>::max()) {
    return error(reason::kBadRequest,
                 "the base has more rows than the int32 ids of a truth file "
                 "can name");
  }
  if (k == 0 || k > rows) {
    return error(reason::kBadRequest, fmt::format("--k is {}, the base has {} rows", k, rows));
  }
  return absl::OkStatus();
}

// The row to begin with: 0, or where an earlier run was stopped.
absl::StatusOr<uint64_t> Resume(VectorReader& base, const ExactNeighboursOptions& options,
                                Comparison& comparison) {
  if (options.checkpoint.empty()) return 0;
  KITH_ASSIGN_OR_RETURN(std::optional<TruthProgress> progress,
                        LoadTruthProgress(options.checkpoint, options.identity));
  if (!progress) return 0;
  const uint64_t row = progress->next_row;
  if (!comparison.Restore(*std::move(progress))) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kBadRequest,
                 fmt::format("{}: is of another number of queries; remove it to begin anew",
                             options.checkpoint));
  }
  // Seeking in a binary file needs the row alone; the byte is for text, which is refused here.
  KITH_RETURN_IF_ERROR(base.Seek({row, kBinHeaderBytes + row * base.shape().row_bytes()}));
  return row;
}

}  // namespace

absl::StatusOr<NeighbourTable> ExactNeighbours(VectorReader& base, const VectorMatrix& queries,
                                               const ExactNeighboursOptions& options,
                                               Terminal& terminal) {
  KITH_RETURN_IF_ERROR(CheckShapes(base.shape(), queries, options.k));
  Comparison comparison(queries, options);
  KITH_RETURN_IF_ERROR(comparison.Check());
  Progress progress("truth", terminal);
  const uint64_t groups = (queries.rows + kQueryGroup - 1) / kQueryGroup;
  const uint64_t rows = *base.shape().rows;
  KITH_ASSIGN_OR_RETURN(uint64_t done, Resume(base, options, comparison));
  auto next_save = std::chrono::steady_clock::now() + kSavePeriod;
  const auto state = [&] {
    return Progress::State{static_cast<double>(done) / static_cast<double>(rows),
                           fmt::format("{} of {} rows, {} queries", WithThousands(done),
                                       WithThousands(rows), WithThousands(queries.rows))};
  };
  RowBatch block;
  while (true) {
    KITH_RETURN_IF_ERROR(base.Next({std::numeric_limits<size_t>::max(), kBlockBytes}, block));
    if (block.at_end()) break;
    KITH_RETURN_IF_ERROR(comparison.CheckFinite(block));
    comparison.Load(block);
    ForEachInParallel(
        groups, options.threads,
        [&](uint64_t group) {
          const uint64_t first = group * kQueryGroup;
          comparison.Compare(first, std::min(first + kQueryGroup, queries.rows));
        },
        [&] { progress.Update(state()); });
    done += block.rows();
    if (options.checkpoint.empty() || std::chrono::steady_clock::now() < next_save) continue;
    KITH_RETURN_IF_ERROR(SaveTruthProgress(options.checkpoint, comparison.ProgressAt(done)));
    next_save = std::chrono::steady_clock::now() + kSavePeriod;
  }
  progress.Finish(state());
  return comparison.Table();
}

}  // namespace kith::cli
