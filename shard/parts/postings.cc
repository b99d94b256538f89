#include "shard/parts/postings.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/base/status.h"

namespace kith::shard {
namespace {

uint32_t RowsOf(const PostingRun& run) { return run.end() - run.begin(); }

}  // namespace

void Postings::Push(std::shared_ptr<const PostingRun> run) {
  runs_.push_back(std::move(run));
  while (runs_.size() >= 2) {
    const PostingRun& before = *runs_[runs_.size() - 2];
    const PostingRun& last = *runs_.back();
    const bool is_same_chunk =
        PostingRun::ChunkOf(before.begin()) == PostingRun::ChunkOf(last.begin());
    if (!is_same_chunk || RowsOf(before) > 2 * uint64_t{RowsOf(last)}) return;
    std::shared_ptr<const PostingRun> merged = PostingRun::Merge(before, last);
    runs_.pop_back();
    runs_.back() = std::move(merged);
  }
}

Postings Postings::With(std::vector<Posting> added, uint32_t begin, uint32_t end) const {
  Postings next = *this;
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
    next.Push(PostingRun::Make(
        static_cast<uint32_t>(std::max<uint64_t>(begin, chunk_begin)),
        static_cast<uint32_t>(std::min<uint64_t>(end, chunk_begin + PostingRun::kRowsMax)),
        std::span(added).subspan(first, last - first)));
    first = last;
  }
  return next;
}

Postings Postings::WithoutDead(const index::Tombstones& tombstones) const {
  Postings next;
  for (const auto& run : runs_) {
    const bool is_dead = tombstones.DeadBetween(run->begin(), run->end()) == RowsOf(*run);
    if (!is_dead) next.runs_.push_back(run);
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
