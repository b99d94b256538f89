#include "shard/search/card_residency.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "common/telemetry/log.h"

namespace kith::shard {
namespace {

using index::Result;
using index::Status;
using index::gpu::ResidentIndex;

uint64_t RowsOf(const BuiltIndex& built) {
  uint64_t rows = 0;
  for (const auto& segment : built.segments) rows += segment->rows();
  return rows;
}

bool IsLost(const Status& status) { return status.reason() == index::gpu::kCardLost; }

}  // namespace

CardResidency& CardResidencies::Find(const CopyParts& parts, const std::string& version) {
  const auto found = std::find_if(
      residencies_.begin(), residencies_.end(),
      [&](const CardResidency& one) { return one.parts == &parts && one.version == version; });
  if (found != residencies_.end()) return *found;
  CardResidency& fresh = residencies_.emplace_back();
  fresh.parts = &parts;
  fresh.version = version;
  return fresh;
}

CardResidency* CardResidencies::Existing(const CopyParts& parts, const std::string& version) {
  for (CardResidency& one : residencies_) {
    if (one.parts == &parts && one.version == version && one.index != nullptr) return &one;
  }
  return nullptr;
}

// Drops another version of the same copy; false where there is none.
bool CardResidencies::MakeWay(const CardResidency& wanted) {
  for (CardResidency& one : residencies_) {
    if (&one == &wanted || one.parts != wanted.parts || one.index == nullptr) continue;
    spdlog::info("event=gpu_index_dropped shard={} version={}", one.parts->spec.shard, one.version);
    residencies_.remove_if([&](const CardResidency& other) { return &other == &one; });
    return true;
  }
  return false;
}

Status CardResidencies::Create(CardResidency& residency, const BuiltIndex& built) {
  index::gpu::ResidentOptions options;
  options.limits = options_.limits;
  options.load = index::gpu::LoadOf(built.segments, built.version->lists(), options_.growth);
  options.threads = options_.threads;
  while (true) {
    auto index = ResidentIndex::Create(card_, built.version, options);
    if (index.ok()) {
      residency.index = std::move(*index);
      residency.fault.clear();
      spdlog::info("event=gpu_index_begun shard={} version={} rows={} mb={}",
                   residency.parts->spec.shard, residency.version, RowsOf(built),
                   residency.index->memory().total() >> 20);
      return {};
    }
    if (index.status().code() != index::Code::kResourceExhausted || !MakeWay(residency)) {
      return index.status();
    }
  }
}

Result<CardResidency*> CardResidencies::Of(const CopyParts& parts, const BuiltIndex& built) {
  CardResidency& residency = Find(parts, built.version->hash);
  const uint64_t rows = RowsOf(built);
  if (residency.index != nullptr || rows == 0 ||
      (!residency.fault.empty() && residency.tried_rows == rows)) {
    return &residency;
  }
  residency.tried_rows = rows;
  const Status created = Create(residency, built);
  if (IsLost(created)) return created;
  if (!created.ok() && residency.fault != created.message()) {
    residency.fault = created.message();
    spdlog::warn("event=gpu_index_refused shard={} version={} reason={} what={}", parts.spec.shard,
                 residency.version, created.reason(), telemetry::LogValue(created.message()));
  }
  return &residency;
}

Result<bool> CardResidencies::StepOf(CardResidency& residency) {
  const auto snapshot = residency.parts->snapshots.Pin();
  const BuiltIndex* built = snapshot->FindIndex(residency.version);
  if (built == nullptr) return false;
  const bool was_full = residency.index->is_full();
  const Result<bool> stepped = residency.index->Step(built->segments);
  if (!stepped.ok()) return stepped.status();
  residency.missing_rows = 0;
  for (const auto& segment : built->segments) {
    if (!residency.index->Has(segment.get())) residency.missing_rows += segment->rows();
  }
  const bool may_fit = built->segments.size() <= options_.limits.segments_max;
  if (residency.index->is_full() && !was_full && may_fit) {
    spdlog::warn("event=gpu_index_full shard={} version={} rows_on_host={}",
                 residency.parts->spec.shard, residency.version, residency.missing_rows);
    // What the index has grown to needs a larger slab: begin again with one, where it fits.
    residency.index.reset();
    const Status created = Create(residency, *built);
    if (IsLost(created)) return created;
    residency.fault = created.message();
    residency.tried_rows = RowsOf(*built);
    return true;
  }
  if (*stepped && residency.missing_rows == 0) {
    spdlog::info("event=gpu_index_loaded shard={} version={} rows={}", residency.parts->spec.shard,
                 residency.version, residency.index->rows());
  }
  return *stepped;
}

Result<bool> CardResidencies::Step() {
  residencies_.remove_if([](const CardResidency& one) {  // what its copy dropped
    return one.parts->snapshots.Pin()->FindIndex(one.version) == nullptr;
  });
  for (CardResidency& residency : residencies_) {
    if (residency.index == nullptr) continue;
    const Result<bool> stepped = StepOf(residency);
    if (!stepped.ok() || *stepped) return stepped;
  }
  return false;
}

void CardResidencies::Forget(const CopyParts* parts) {
  residencies_.remove_if([parts](const CardResidency& one) { return one.parts == parts; });
}

}  // namespace kith::shard
