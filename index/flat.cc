#include "index/flat.h"

#include <algorithm>
#include <bit>

namespace kith::index {

namespace {

// The bits of rows [begin, end) of the word that row `row` lies in.
uint64_t WordWithin(std::span<const uint64_t> words, uint64_t row, uint64_t begin, uint64_t end) {
  const uint64_t first = row & ~uint64_t{63};
  uint64_t word = words[first >> 6];
  if (first < begin) word &= ~uint64_t{0} << (begin - first);
  if (end < first + 64) word &= ~(~uint64_t{0} << (end - first));
  return word;
}

}  // namespace

// Rows that few bits stand for lie far apart: each run of them is prefetched as candidates are.
void FlatScan::CompareAllowed(uint32_t begin, uint32_t end) {
  uint32_t rows[kRun];
  size_t count = 0;
  for (uint64_t row = begin; row < end; row = (row | 63) + 1) {
    if (view_.allowed[row >> 6] == 0) continue;
    for (uint64_t word = WordWithin(view_.allowed, row, begin, end); word != 0; word &= word - 1) {
      const auto bit = static_cast<uint64_t>(std::countr_zero(word));
      rows[count++] = static_cast<uint32_t>((row & ~uint64_t{63}) + bit);
    }
    if (count + 64 <= kRun) continue;
    if (expiry_.Ask()) return;
    CompareCandidates({rows, count});
    count = 0;
  }
  if (count != 0 && !expiry_.Ask()) CompareCandidates({rows, count});
}

void FlatScan::CompareRange(uint32_t begin, uint32_t end) {
  if (!view_.allowed.empty()) return CompareAllowed(begin, end);
  uint32_t batch[ExactQuery::kBatch];
  // 64 bits: the last run of 2^32 rows must not wrap.
  for (uint64_t run = begin; run < end && !expiry_.Ask(); run += kRun) {
    // Rows that died long ago must not cost the exact search for ever.
    if (view_.tombstones != nullptr) run = view_.tombstones->SkipDeadPages(run);
    const uint64_t run_end = std::min<uint64_t>(run + kRun, end);
    size_t count = 0;
    for (uint64_t row = run; row < run_end; ++row) {
      batch[count] = static_cast<uint32_t>(row);
      count += view_.MayBeHit(static_cast<uint32_t>(row));
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
      count += view_.MayBeHit(row);
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
  for (size_t i = 0; i < rows.size(); ++i) {
    within_ += ranks[i] <= top_.rank_bound();
    top_.Offer(ranks[i], rows[i]);
  }
  compared_ += rows.size();
}

uint64_t FlatScan::LiveRows(const IndexView& view, uint32_t begin, uint32_t end) {
  if (begin >= end) return 0;
  if (!view.allowed.empty()) {
    uint64_t rows = 0;
    for (uint64_t row = begin; row < end; row = (row | 63) + 1) {
      rows += static_cast<uint64_t>(std::popcount(WordWithin(view.allowed, row, begin, end)));
    }
    return rows;
  }
  const uint64_t dead = view.tombstones == nullptr ? 0 : view.tombstones->DeadBetween(begin, end);
  return uint64_t{end} - begin - dead;
}

uint64_t FlatScan::LiveRows(const IndexView& view, std::span<const uint32_t> rows) {
  return static_cast<uint64_t>(
      std::count_if(rows.begin(), rows.end(), [&](uint32_t row) { return view.MayBeHit(row); }));
}

}  // namespace kith::index
