#include "coordinator/read/facet.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/field_value.h"
#include "common/payload/filter_check.h"
#include "coordinator/search/call_deadlines.h"
#include "coordinator/search/point_deadline.h"

namespace kith::coordinator {
namespace {

using Counts = absl::flat_hash_map<std::string, uint64_t>;

void Add(const FacetReply& reply, Counts& counts) {
  size_t at = 0;
  for (size_t i = 0; i < reply.counts.size(); ++i) {
    counts[reply.values.substr(at, reply.value_sizes[i])] += reply.counts[i];
    at += reply.value_sizes[i];
  }
}

}  // namespace

absl::Status CheckFacet(const FacetPointsCall& call, const CollectionRecord& record) {
  const auto place = FindField(record.payload_fields, call.field);
  if (!place.has_value()) {
    return FieldError("field", reason::kBadFilter,
                      fmt::format("{} has no index (see GetCollection for the fields that have "
                                  "one); CreatePayloadIndex adds one",
                                  call.field));
  }
  KITH_RETURN_IF_ERROR(CheckBuilt(record.payload_fields[*place]));
  if (call.limit == 0 || call.limit > limits::kFacetLimitMax) {
    return FieldError(
        "limit", reason::kLimitOutOfRange,
        fmt::format("is {}, must be from 1 to {}", call.limit, limits::kFacetLimitMax));
  }
  if (call.filter == nullptr) return absl::OkStatus();
  return CheckFilter(*call.filter, record.payload_fields, "filter");
}

absl::StatusOr<FacetAnswer> MergeFacets(const Replies<FacetReply>& replies, FieldType type,
                                        uint32_t limit) {
  Counts counts;
  for (const auto& reply : replies) {
    if (!reply.ok()) return reply.status();
    Add(*reply, counts);
  }
  std::vector<std::pair<std::string_view, uint64_t>> ordered(counts.begin(), counts.end());
  const size_t shown = std::min<size_t>(limit, ordered.size());
  std::partial_sort(ordered.begin(), ordered.begin() + static_cast<ptrdiff_t>(shown), ordered.end(),
                    [](const auto& a, const auto& b) {
                      return a.second != b.second ? a.second > b.second : a.first < b.first;
                    });
  FacetAnswer answer;
  answer.distinct = ordered.size();
  for (size_t i = 0; i < shown; ++i) {
    std::optional<FieldValue> value = DecodeAs(type, ordered[i].first);
    if (!value.has_value()) {
      return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
                   "a shard sent a value that is none of the field's type");
    }
    answer.values.push_back({*std::move(value), ordered[i].second});
  }
  return answer;
}

void GetService::Facet(const FacetPointsCall& call, Done<FacetAnswer> done) const {
  const absl::StatusOr<Deadline> deadline = PointDeadline(call.deadline, clock_.Now());
  if (!deadline.ok()) return done(deadline.status());
  auto found = map_.Find(call.collection);
  if (!found.ok()) return done(found.status());
  EntryPtr entry = *std::move(found);
  const CollectionRecord& record = entry->record;
  if (absl::Status bad = CheckFacet(call, record); !bad.ok()) return done(bad);
  const auto wait_lsns = WaitLsns(*entry, call.tokens, "tokens");
  if (!wait_lsns.ok()) return done(wait_lsns.status());
  const CallDeadlines deadlines = SplitDeadline(clock_.Now(), *deadline);
  const GatherLimits limits{timer_, deadlines.gather,
                            Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                                  "a shard did not answer in time")};
  const auto send = [&](size_t i, Done<FacetReply> part) {
    FacetCall shard;
    shard.shard = entry->routes[i]->shard;
    shard.incarnation = record.incarnation;
    shard.field = call.field;
    shard.filter = call.filter;
    shard.wait_lsn = wait_lsns->empty() ? 0 : (*wait_lsns)[i];
    entry->routes[i]->service->Facet(std::move(shard), deadlines.shards, std::move(part));
  };
  const FieldType type = record.payload_fields[*FindField(record.payload_fields, call.field)].type;
  ScatterGather<FacetReply>(entry->routes.size(), limits, send,
                            [entry, type, limit = call.limit, done = std::move(done)](
                                auto replies) mutable { done(MergeFacets(replies, type, limit)); });
}

}  // namespace kith::coordinator
