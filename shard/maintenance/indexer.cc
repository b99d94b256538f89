#include "shard/maintenance/indexer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/encoder.h"
#include "index/plan.h"

namespace kith::shard {
namespace {

constexpr uint32_t kShortTail = 8'192;  // compared exactly rather than made a segment of its own

BuiltIndex* FindIn(Snapshot& snapshot, const std::string& version) {
  for (BuiltIndex& index : snapshot.indexes) {
    if (index.version->hash == version) return &index;
  }
  return nullptr;
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
    if (FindIn(snapshot, version) != nullptr) return;
    const bool empty = snapshot.row_end == 0;
    snapshot.indexes.push_back({loaded, {}, 0, empty, false});
  });
  spdlog::info("event=index_building shard={} version={}", parts_.spec.shard, version);
  return absl::OkStatus();
}

void Indexer::Drop(const std::string& version) {
  parts_.snapshots.Update([&](Snapshot& snapshot) {
    std::erase_if(snapshot.indexes,
                  [&](const BuiltIndex& index) { return index.version->hash == version; });
  });
  spdlog::info("event=index_dropped shard={} version={}", parts_.spec.shard, version);
}

const BuiltIndex* Indexer::Choose(const Snapshot& snapshot, Tail tail) {
  const BuiltIndex* chosen = nullptr;
  for (const BuiltIndex& index : snapshot.indexes) {
    const uint32_t waiting = snapshot.row_end - index.indexed_end;
    const uint32_t worth = index.ready && tail == Tail::kKeepShort ? kShortTail : 1;
    if (waiting < worth) continue;
    if (!index.ready) return &index;
    if (chosen == nullptr) chosen = &index;
  }
  return chosen;
}

bool Indexer::HasWork() const {
  return Choose(*parts_.snapshots.Pin(), Tail::kKeepShort) != nullptr;
}

bool Indexer::Step(Tail tail) {
  const auto snapshot = parts_.snapshots.Pin();
  const BuiltIndex* index = Choose(*snapshot, tail);
  if (index == nullptr) return false;
  Encode(*snapshot, *index);
  MergeNewest(index->version->hash);
  return Choose(*parts_.snapshots.Pin(), tail) != nullptr;
}

void Indexer::Encode(const Snapshot& snapshot, const BuiltIndex& index) {
  const uint32_t begin = index.indexed_end;
  const uint32_t step = index::EncodeStepRows(index.version->parameters);
  const uint32_t end = std::min(snapshot.row_end, begin + std::min(step, ~0u - begin));
  std::vector<uint32_t> rows;
  rows.reserve(end - begin);
  for (uint32_t row = begin; row < end; ++row) {
    if (!snapshot.tombstones.IsDead(row)) rows.push_back(row);
  }
  std::shared_ptr<const index::ListSegment> segment;
  if (!rows.empty()) {
    const index::EncodedRows encoded = index::EncodeRows(
        *index.version, snapshot.rows.Table(snapshot.row_end), rows, encode_threads_);
    segment = index::ListSegment::FromEncoded(*index.version, encoded);
  }
  Publish(index.version->hash, std::move(segment), end);
}

void Indexer::Publish(const std::string& version, std::shared_ptr<const index::ListSegment> segment,
                      uint32_t indexed_end) {
  parts_.snapshots.Update([&](Snapshot& snapshot) {
    BuiltIndex* index = FindIn(snapshot, version);
    if (index == nullptr) return;
    if (segment != nullptr) index->segments.push_back(std::move(segment));
    index->indexed_end = indexed_end;
    // Rows that come in during an import must not keep it from ever being ready; what waits is
    // compared exactly, and writes slow down before there is twice as much of it.
    const uint64_t waiting = snapshot.row_end - indexed_end;
    if (waiting < std::max<uint64_t>(kShortTail, snapshot.TailRowsMax() / 2) && !index->ready) {
      index->ready = true;
      index->rebuilding = false;
      spdlog::info("event=index_ready shard={} version={} rows={}", parts_.spec.shard, version,
                   indexed_end);
    }
  });
}

void Indexer::MergeNewest(const std::string& version) {
  const auto snapshot = parts_.snapshots.Pin();
  const BuiltIndex* index = snapshot->FindIndex(version);
  if (index == nullptr) return;
  size_t keep = index->segments.size();
  uint64_t merged_rows = 0;
  while (keep > 0 && (merged_rows == 0 || index->segments[keep - 1]->rows() <= merged_rows * 2)) {
    merged_rows += index->segments[--keep]->rows();
  }
  if (index->segments.size() - keep < 2) return;
  const std::span newest = std::span(index->segments).subspan(keep);
  auto merged = index::ListSegment::Merge(*index->version, newest, snapshot->tombstones);
  parts_.snapshots.Update([&](Snapshot& next) {
    BuiltIndex* target = FindIn(next, version);
    if (target == nullptr) return;
    target->segments.resize(keep);
    target->segments.push_back(std::move(merged));
  });
}

}  // namespace kith::shard
