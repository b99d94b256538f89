#include "shard/maintenance/indexer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/encoder.h"
#include "index/plan.h"

namespace kith::shard {
namespace {

// Of fewer rows than that a thread is not worth starting.
constexpr size_t kRowsOfThread = 16'384;

BuiltIndex* FindIn(Snapshot& snapshot, const std::string& version) {
  for (BuiltIndex& index : snapshot.indexes) {
    if (index.version->hash == version) return &index;
  }
  return nullptr;
}

void EraseLost(Snapshot& snapshot, const std::string& version) {
  std::erase_if(snapshot.lost, [&](const LostIndex& lost) { return lost.version == version; });
}

}  // namespace

absl::Status Indexer::Add(const std::string& version) {
  KITH_ASSIGN_OR_RETURN(const auto loaded, parts_.artifacts->Load(version));
  const index::IndexParameters& parameters = loaded->parameters;
  if (parameters.dimension != parts_.spec.dimension || parameters.metric != parts_.spec.metric ||
      parameters.element_type != parts_.spec.element_type) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kDimensionMismatch,
                 "the index version was trained for vectors of another shape or metric");
  }
  parts_.snapshots.Update([&](Snapshot& snapshot) {
    EraseLost(snapshot, version);
    if (FindIn(snapshot, version) != nullptr) return;
    const bool empty = snapshot.row_end == 0;
    snapshot.indexes.push_back({loaded, {}, 0, empty, false});
  });
  spdlog::info("event=index_building shard={} version={}", parts_.spec.shard, version);
  return absl::OkStatus();
}

void Indexer::Drop(const std::string& version) {
  parts_.snapshots.Update([&](Snapshot& snapshot) {
    if (const BuiltIndex* dropped = FindIn(snapshot, version); dropped != nullptr) {
      Retire(dropped->segments);
    }
    std::erase_if(snapshot.indexes,
                  [&](const BuiltIndex& index) { return index.version->hash == version; });
    EraseLost(snapshot, version);
  });
  spdlog::info("event=index_dropped shard={} version={}", parts_.spec.shard, version);
}

const BuiltIndex* ChooseToEncode(const Snapshot& snapshot, Pace pace) {
  const BuiltIndex* chosen = nullptr;
  uint32_t most = 0;
  for (const BuiltIndex& index : snapshot.indexes) {
    const uint32_t waiting = snapshot.row_end - index.indexed_end;
    const bool may_wait = index.ready && pace == Pace::kBusy;
    const uint32_t worth = may_wait ? ShortTail(index.version->parameters) : 1;
    if (waiting < worth) continue;
    if (!index.ready) return &index;
    if (waiting <= most) continue;
    chosen = &index;
    most = waiting;
  }
  return chosen;
}

std::vector<SegmentRows> RowsOfSegments(const Snapshot& snapshot, const BuiltIndex& index) {
  std::vector<SegmentRows> segments;
  for (size_t i = 0; i < index.segments.size(); ++i) {
    const uint32_t begin = index.BeginOf(i);
    const uint32_t end = index.ends[i];
    const uint64_t live = end - begin - snapshot.tombstones.DeadBetween(begin, end);
    segments.push_back({index.segments[i]->rows(), live});
  }
  return segments;
}

bool Indexer::HasRowsToEncode(Pace pace) const {
  return ChooseToEncode(*parts_.snapshots.Pin(), pace) != nullptr;
}

void Indexer::Encode(Pace pace) {
  const auto snapshot = parts_.snapshots.Pin();
  if (const BuiltIndex* index = ChooseToEncode(*snapshot, pace); index != nullptr) {
    EncodeStep(*snapshot, *index);
  }
}

// A step is counted in live rows: after many updates most row numbers are of the dead.
void Indexer::EncodeStep(const Snapshot& snapshot, const BuiltIndex& index) {
  const uint32_t most = index::EncodeStepRows(index.version->parameters);
  std::vector<uint32_t> rows;
  uint64_t row = index.indexed_end;
  while (row < snapshot.row_end && rows.size() < most) {
    row = snapshot.tombstones.SkipDeadPages(row);
    const uint64_t stop = std::min<uint64_t>(snapshot.row_end, row + most - rows.size());
    for (; row < stop; ++row) {
      const auto number = static_cast<uint32_t>(row);
      if (!snapshot.tombstones.IsDead(number)) rows.push_back(number);
    }
  }
  const auto end = static_cast<uint32_t>(std::min<uint64_t>(row, snapshot.row_end));
  std::shared_ptr<const index::ListSegment> segment;
  if (!rows.empty()) {
    const int threads = rows.size() < kRowsOfThread ? 1 : encode_threads_;
    const index::EncodedRows encoded =
        index::EncodeRows(*index.version, snapshot.rows.Table(snapshot.row_end), rows, threads);
    segment = index::ListSegment::FromEncoded(*index.version, encoded);
  }
  Publish({index.version->hash, index.indexed_end, end, std::move(segment)});
}

bool AppendEncoded(Snapshot& snapshot, EncodedPart part) {
  BuiltIndex* index = FindIn(snapshot, part.version);
  if (index == nullptr || index->indexed_end != part.begin) return false;
  if (part.segment != nullptr) {
    index->segments.push_back(std::move(part.segment));
    index->ends.push_back(part.end);
  }
  index->indexed_end = part.end;
  // Rows that come in during an import must not keep it from ever being ready; what waits is
  // compared exactly, and writes slow down before there is twice as much of it.
  if (snapshot.row_end - part.end < snapshot.TailRowsMax() / 2 && !index->ready) {
    index->ready = true;
    index->rebuilding = false;
  }
  return true;
}

void Indexer::Publish(EncodedPart part) {
  const std::string version = part.version;
  const uint32_t end = part.end;
  bool became_ready = false;
  parts_.snapshots.Update([&](Snapshot& snapshot) {
    const BuiltIndex* index = FindIn(snapshot, version);
    const bool was_ready = index != nullptr && index->ready;
    became_ready = AppendEncoded(snapshot, std::move(part)) && !was_ready && index->ready;
  });
  if (!became_ready) return;
  spdlog::info("event=index_ready shard={} version={} rows={}", parts_.spec.shard, version, end);
}

bool Indexer::HasMerge(Pace pace) const {
  const auto snapshot = parts_.snapshots.Pin();
  return std::any_of(snapshot->indexes.begin(), snapshot->indexes.end(),
                     [&](const BuiltIndex& index) {
                       return ChooseMerge(RowsOfSegments(*snapshot, index), pace).has_value();
                     });
}

void Indexer::Merge(Pace pace) {
  const auto snapshot = parts_.snapshots.Pin();
  for (const BuiltIndex& index : snapshot->indexes) {
    const auto range = ChooseMerge(RowsOfSegments(*snapshot, index), pace);
    if (range.has_value()) return MergeRange(*snapshot, index, *range);
  }
}

void Indexer::Retire(std::span<const std::shared_ptr<const index::ListSegment>> segments) {
  retired_.insert(retired_.end(), segments.begin(), segments.end());
  has_retired_ = !retired_.empty();
}

// Nobody finds one of them in a snapshot any more: whoever is counted only lets go.
void Indexer::FreeRetired() {
  std::erase_if(retired_, [](const auto& segment) { return segment.use_count() == 1; });
  has_retired_ = !retired_.empty();
}

void Indexer::MergeRange(const Snapshot& snapshot, const BuiltIndex& index, SegmentRange range) {
  const auto begun = std::chrono::steady_clock::now();
  const std::span old = std::span(index.segments).subspan(range.begin, range.end - range.begin);
  auto merged = index::ListSegment::Merge(*index.version, old, snapshot.tombstones);
  parts_.counts.merged_rows += merged->rows();
  parts_.snapshots.Update([&](Snapshot& next) {
    BuiltIndex* target = FindIn(next, index.version->hash);
    if (target == nullptr) return;
    Retire(old);
    const auto at = [&](auto& values, size_t i) {
      return values.begin() + static_cast<ptrdiff_t>(i);
    };
    // Where nothing is left the rows, all dead, fall to the next segment.
    const size_t gone_end = merged->rows() == 0 ? range.end : range.end - 1;
    auto& segments = target->segments;
    segments.erase(at(segments, range.begin), at(segments, gone_end));
    target->ends.erase(at(target->ends, range.begin), at(target->ends, gone_end));
    if (merged->rows() != 0) segments[range.begin] = std::move(merged);
  });
  ++parts_.counts.merges;
  parts_.counts.merge_ns += static_cast<uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now() - begun).count());
}

}  // namespace kith::shard
