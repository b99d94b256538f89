#include "shard/parts/postings.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/base/status.h"

namespace kith::shard {
namespace {

uint32_t RowsOf(const PostingRun& run) { return run.end() - run.begin(); }

}  // namespace

void Postings::Push(std::shared_ptr<const PostingRun> run, Runs& runs) {
  runs.push_back(std::move(run));
  while (runs.size() >= 2) {
    const PostingRun& before = *runs[runs.size() - 2];
    const PostingRun& last = *runs.back();
    const bool is_same_chunk =
        PostingRun::ChunkOf(before.begin()) == PostingRun::ChunkOf(last.begin());
    const bool is_before = before.end() <= last.begin();  // not of a field added earlier
    if (!is_same_chunk || !is_before || RowsOf(before) > 2 * uint64_t{RowsOf(last)}) return;
    std::shared_ptr<const PostingRun> merged = PostingRun::Merge(before, last);
    runs.pop_back();
    runs.back() = std::move(merged);
  }
}

void Postings::Add(std::vector<Posting> added, uint32_t begin, uint32_t end, Runs& runs) {
  const auto by_chunk = [](const Posting& a, const Posting& b) {
    const uint32_t a_chunk = PostingRun::ChunkOf(a.row);
    const uint32_t b_chunk = PostingRun::ChunkOf(b.row);
    return a_chunk != b_chunk ? a_chunk < b_chunk : a < b;
  };
  std::sort(added.begin(), added.end(), by_chunk);
  added.erase(std::unique(added.begin(), added.end()), added.end());
  for (size_t first = 0; first < added.size();) {
    const uint32_t chunk = PostingRun::ChunkOf(added[first].row);
    size_t last = first;
    while (last < added.size() && PostingRun::ChunkOf(added[last].row) == chunk) ++last;
    const uint64_t chunk_begin = uint64_t{chunk} << PostingRun::kRowBits;
    Push(PostingRun::Make(
             static_cast<uint32_t>(std::max<uint64_t>(begin, chunk_begin)),
             static_cast<uint32_t>(std::min<uint64_t>(end, chunk_begin + PostingRun::kRowsMax)),
             std::span(added).subspan(first, last - first)),
         runs);
    first = last;
  }
}

Postings Postings::With(std::vector<Posting> added, uint32_t begin, uint32_t end) const {
  Postings next;
  if (old_runs_ == 0) {  // as nearly always, and then no pointer is copied twice
    next = *this;
    Add(std::move(added), begin, end, next.runs_);
    return next;
  }
  const auto old_end = runs_.begin() + static_cast<ptrdiff_t>(old_runs_);
  Runs newer(old_end, runs_.end());
  Add(std::move(added), begin, end, newer);
  next.runs_.assign(runs_.begin(), old_end);
  next.runs_.insert(next.runs_.end(), newer.begin(), newer.end());
  next.old_runs_ = old_runs_;
  return next;
}

Postings Postings::WithOld(std::vector<Posting> added, uint32_t begin, uint32_t end) const {
  Postings next;
  const auto old_end = runs_.begin() + static_cast<ptrdiff_t>(old_runs_);
  next.runs_.assign(runs_.begin(), old_end);
  Add(std::move(added), begin, end, next.runs_);
  next.old_runs_ = next.runs_.size();
  next.runs_.insert(next.runs_.end(), old_end, runs_.end());
  return next;
}

Postings Postings::WithoutField(uint16_t field, size_t runs_max) const {
  Postings next = *this;
  for (auto& run : next.runs_) {
    if (!run->Has(field)) continue;
    if (runs_max-- == 0) break;
    run = run->Without(field);
  }
  return next;
}

bool Postings::HasField(uint16_t field) const {
  return std::any_of(runs_.begin(), runs_.end(),
                     [field](const auto& run) { return run->Has(field); });
}

Postings Postings::WithoutDead(const index::Tombstones& tombstones) const {
  Postings next;
  for (size_t i = 0; i < runs_.size(); ++i) {
    const PostingRun& run = *runs_[i];
    if (tombstones.DeadBetween(run.begin(), run.end()) == RowsOf(run)) continue;
    next.runs_.push_back(runs_[i]);
    if (i < old_runs_) ++next.old_runs_;
  }
  return next;
}

// The keys come by field and value, so a run is built for every chunk at once.
absl::StatusOr<Postings> Postings::FromState(storage::StateStore& state) {
  const uint32_t row_end = state.applied().next_row;
  std::map<uint32_t, PostingRun::Builder> builders;
  KITH_RETURN_IF_ERROR(state.ForEachPosting([&](const storage::StateStore::PostingRecord& record) {
    const uint32_t chunk = PostingRun::ChunkOf(record.row);
    auto found = builders.find(chunk);
    if (found == builders.end()) {
      const uint32_t begin = chunk << PostingRun::kRowBits;
      const uint64_t end = std::min<uint64_t>(row_end, uint64_t{begin} + PostingRun::kRowsMax);
      found = builders.emplace(chunk, PostingRun::Builder(begin, static_cast<uint32_t>(end))).first;
    }
    found->second.Add(record.field, record.value, record.row);
    return absl::OkStatus();
  }));
  Postings postings;
  for (auto& [chunk, builder] : builders) postings.runs_.push_back(builder.Finish());
  return postings;
}

uint64_t Postings::memory_bytes() const {
  uint64_t bytes = runs_.capacity() * sizeof(runs_[0]);
  for (const auto& run : runs_) bytes += run->memory_bytes();
  return bytes;
}

}  // namespace kith::shard
