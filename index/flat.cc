#include "index/flat.h"

#include <algorithm>

namespace kith::index {

void FlatScan::CompareRange(uint32_t begin, uint32_t end) {
  uint32_t batch[ExactQuery::kBatch];
  // 64 bits: the last run of 2^32 rows must not wrap.
  for (uint64_t run = begin; run < end && !expiry_.Ask(); run += kRun) {
    // Rows that died long ago must not cost the exact search for ever.
    if (view_.tombstones != nullptr) run = view_.tombstones->SkipDeadPages(run);
    const uint64_t run_end = std::min<uint64_t>(run + kRun, end);
    size_t count = 0;
    for (uint64_t row = run; row < run_end; ++row) {
      batch[count] = static_cast<uint32_t>(row);
      count += !IsDead(view_, static_cast<uint32_t>(row));
      if (count == ExactQuery::kBatch) {
        CompareBatch({batch, count});
        count = 0;
      }
    }
    CompareBatch({batch, count});
  }
}

void FlatScan::CompareRows(std::span<const uint32_t> rows) {
  uint32_t live[kRun];
  for (size_t run = 0; run < rows.size() && !expiry_.Ask(); run += kRun) {
    size_t count = 0;
    for (const uint32_t row : rows.subspan(run, std::min<size_t>(kRun, rows.size() - run))) {
      live[count] = row;
      count += !IsDead(view_, row);
    }
    CompareCandidates({live, count});
  }
}

void FlatScan::CompareCandidates(std::span<const uint32_t> rows) {
  constexpr size_t kAhead = 8;  // rows on their way while one batch is compared
  constexpr size_t kStep = 8;
  for (size_t i = 0; i < rows.size(); i += kStep) {
    if (i != 0 && i % kRun == 0 && expiry_.Ask()) return;
    if (i == 0) query_.Prefetch(rows.first(std::min(kAhead, rows.size())));
    const size_t ahead = std::min(i + kAhead, rows.size());
    query_.Prefetch(rows.subspan(ahead, std::min(kStep, rows.size() - ahead)));
    CompareBatch(rows.subspan(i, std::min(kStep, rows.size() - i)));
  }
}

void FlatScan::CompareBatch(std::span<const uint32_t> rows) {
  if (rows.empty()) return;
  float ranks[ExactQuery::kBatch];
  query_.RankRows(rows, ranks);
  for (size_t i = 0; i < rows.size(); ++i) top_.Offer(ranks[i], rows[i]);
  compared_ += rows.size();
}

uint64_t FlatScan::LiveRows(const IndexView& view, uint32_t begin, uint32_t end) {
  if (begin >= end) return 0;
  const uint64_t dead = view.tombstones == nullptr ? 0 : view.tombstones->DeadBetween(begin, end);
  return uint64_t{end} - begin - dead;
}

uint64_t FlatScan::LiveRows(const IndexView& view, std::span<const uint32_t> rows) {
  return static_cast<uint64_t>(
      std::count_if(rows.begin(), rows.end(), [&](uint32_t row) { return !IsDead(view, row); }));
}

}  // namespace kith::index
