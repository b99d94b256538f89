#include "bench/library/timed_search.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <span>
#include <thread>

namespace kith::bench {

TimedSearch::TimedSearch(const EngineSession& session, const cli::VectorMatrix& queries,
                         const cli::NeighbourTable& truth, Setting setting)
    : queries_(queries), truth_(truth), setting_(setting), found_(queries.rows * setting.k) {
  for (uint32_t i = 0; i < setting_.threads; ++i) searchers_.push_back(session.NewSearcher());
}

absl::StatusOr<TimedSearch::Outcome> TimedSearch::Run(const OperatingPoint& point, Range range) {
  const auto seconds = Ask(point, range);
  if (!seconds.ok()) return seconds.status();
  return Outcome{Recall(range), range.count / *seconds};
}

absl::StatusOr<double> TimedSearch::Ask(const OperatingPoint& point, Range range) {
  std::atomic<uint32_t> next{range.first};
  const uint32_t end = range.first + range.count;
  std::vector<absl::Status> statuses(setting_.threads);
  const auto work = [&](uint32_t thread) {
    const size_t row_bytes = queries_.shape.row_bytes();
    for (;;) {
      const uint32_t first = next.fetch_add(setting_.batch, std::memory_order_relaxed);
      if (first >= end) return;
      const uint32_t count = std::min(setting_.batch, end - first);
      const std::span<const std::byte> vectors(queries_.Row(first), count * row_bytes);
      const std::span<uint32_t> rows(found_.data() + size_t{first} * setting_.k,
                                     size_t{count} * setting_.k);
      statuses[thread] = searchers_[thread]->Search(point, vectors, setting_.k, rows);
      if (!statuses[thread].ok()) return;
    }
  };
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> others;
  for (uint32_t i = 1; i < setting_.threads; ++i) others.emplace_back(work, i);
  work(0);
  for (std::thread& thread : others) thread.join();
  const auto end_time = std::chrono::steady_clock::now();
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  return std::chrono::duration<double>(end_time - begin).count();
}

double TimedSearch::Recall(Range range) const {
  uint64_t found = 0;
  for (uint32_t query = range.first; query < range.first + range.count; ++query) {
    const auto near = truth_.Ids(query).first(setting_.k);
    const auto rows = std::span(found_).subspan(size_t{query} * setting_.k, setting_.k);
    for (const uint32_t row : rows) found += std::find(near.begin(), near.end(), row) != near.end();
  }
  return static_cast<double>(found) / (static_cast<double>(range.count) * setting_.k);
}

}  // namespace kith::bench
