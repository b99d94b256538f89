#include <algorithm>
#include <cmath>
#include <cstring>

#include "common/base/ids.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/payload_merge.h"
#include "common/vector/half.h"
#include "tests/support/fake_shard_service.h"

// Search, Write, Get and Scroll of the fake: points in a map, brute force.
namespace kith::testing {
namespace {

constexpr uint64_t kListSeed = 3;
constexpr uint64_t kLossSeed = 5;

double Element(ElementType type, const char* bytes, size_t i) {
  if (type == ElementType::kU8) return static_cast<uint8_t>(bytes[i]);
  if (type == ElementType::kF16) {
    uint16_t half;
    std::memcpy(&half, bytes + i * 2, 2);
    return HalfToFloat(half);
  }
  float value;
  std::memcpy(&value, bytes + i * 4, 4);
  return value;
}

// The score under the collection's metric.
float Score(const ShardSpec& spec, const char* query, const std::string& vector) {
  const ElementType query_type = QueryType(spec.element_type);
  double distance = 0;
  double product = 0;
  double query_norm = 0;
  double norm = 0;
  for (size_t i = 0; i < spec.dimension; ++i) {
    const double q = Element(query_type, query, i);
    const double v = Element(spec.element_type, vector.data(), i);
    distance += (q - v) * (q - v);
    product += q * v;
    query_norm += q * q;
    norm += v * v;
  }
  if (spec.metric == Metric::kL2) return static_cast<float>(distance);
  if (spec.metric == Metric::kInnerProduct) return static_cast<float>(product);
  return static_cast<float>(product / std::sqrt(query_norm * norm));
}

struct Found {
  float rank;
  PointKey key;
  uint64_t version;
  bool operator<(const Found& other) const {
    return rank != other.rank ? rank < other.rank : key < other.key;
  }
};

bool IsBehind(const Found& hit, const SearchCall& call, Metric metric) {
  if (!call.after.has_value()) return true;
  return Found{RankFromScore(metric, call.after->score), call.after->key, 0} < hit;
}

// Of filters only those that name ids.
bool Passes(const PointKey& key, const Filter* filter) {
  if (filter == nullptr || filter->kind != Filter::Kind::kHasId) return true;
  for (size_t at = 0; at < filter->keys.size(); at += PointKey::kSize) {
    if (key.view() == std::string_view(filter->keys).substr(at, PointKey::kSize)) return true;
  }
  return false;
}

absl::Status Outside(const PointKey& key) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kWrongShard,
               "point " + PointKeyToString(key) + " is not in this shard's slots");
}

bool Owns(const ShardSpec& spec, const PointKey& key) {
  const uint32_t slot = SlotOf(key);
  return std::any_of(spec.slots.begin(), spec.slots.end(),
                     [&](const auto& range) { return slot >= range.first && slot < range.second; });
}

}  // namespace

void FakeShardService::Put(ShardId shard, const PointKey& key, std::string vector) {
  std::lock_guard lock(mutex_);
  shards_[shard].points[key].vector = std::move(vector);
}

void FakeShardService::Search(SearchCall call, Deadline, Done<SearchReply> done) {
  const absl::Status entered = Enter("Search");
  if (!entered.ok()) return done(entered);
  std::unique_lock lock(mutex_);
  absl::StatusOr<SearchReply> reply = SearchLocked(call);
  lock.unlock();
  done(std::move(reply));
}

absl::StatusOr<SearchReply> FakeShardService::SearchLocked(const SearchCall& call) {
  KITH_ASSIGN_OR_RETURN(const Shard* shard, Find(call.shard, call.incarnation));
  const auto index = shard->indexes.find(call.index_version);
  if (!call.index_version.empty() && index == shard->indexes.end()) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kIndexVersionNotReady,
                 "no such index version");
  }
  const bool all = call.exact || call.index_version.empty();
  const size_t query_bytes =
      shard->spec.dimension * ElementSize(QueryType(shard->spec.element_type));
  SearchReply reply;
  reply.live_points = shard->points.size();
  reply.lsn = shard->lsn;
  for (uint32_t q = 0; q < call.count; ++q) {
    std::vector<Found> found;
    for (const auto& [key, point] : shard->points) {
      if (!Passes(key, call.filter.get())) continue;
      if (!all && SampleHash(kListSeed, key) % index->second >= call.nprobe) continue;
      const bool is_lost =
          !all && (call.refine < lose_below_refine_ || index->second == lose_in_lists_);
      if (is_lost && SampleHash(kLossSeed, key) % 10 == 0) continue;
      const float score = Score(shard->spec, call.queries.data() + q * query_bytes, point.vector);
      const float rank = RankFromScore(shard->spec.metric, score);
      const bool outside = call.score_bound.has_value() &&
                           rank > RankFromScore(shard->spec.metric, *call.score_bound);
      ++(all ? reply.work.rows_exact : reply.work.rows_scanned);
      reply.points_within += outside ? 0 : 1;
      const Found hit{rank, key, point.version};
      if (!outside && IsBehind(hit, call, shard->spec.metric)) found.push_back(hit);
    }
    std::sort(found.begin(), found.end());
    if (found.size() > call.limit) found.resize(call.limit);
    reply.counts.push_back(static_cast<uint32_t>(found.size()));
    for (const Found& hit : found) {
      reply.keys.append(hit.key.view());
      reply.scores.push_back(ScoreFromRank(shard->spec.metric, hit.rank));
      reply.versions.push_back(hit.version);
    }
  }
  reply.codes_planned = reply.codes_done = reply.work.rows_exact + reply.work.rows_scanned;
  if (Corrupted("SearchWork")) --reply.codes_done;
  if (Corrupted("Search") && !reply.scores.empty()) reply.scores.pop_back();
  return reply;
}

void FakeShardService::Write(WriteCall call, Deadline deadline, Done<WriteReply> done) {
  const absl::Status entered = Enter("Write");
  if (!entered.ok()) return done(entered);
  if (deadline <= std::chrono::steady_clock::now()) {
    return done(Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline, "too late"));
  }
  std::unique_lock lock(mutex_);
  absl::StatusOr<WriteReply> reply = WriteLocked(call);
  lock.unlock();
  done(std::move(reply));
}

absl::StatusOr<WriteReply> FakeShardService::WriteLocked(const WriteCall& call) {
  KITH_ASSIGN_OR_RETURN(Shard * shard, Find(call.shard, call.incarnation));
  if (call.selection.has_value()) {
    return absl::UnimplementedError("the shard node in memory has no payload index");
  }
  const auto before = shard->requests.find(call.request_id);
  if (!call.request_id.empty() && before != shard->requests.end()) {
    if (before->second.first == call.body_hash) return before->second.second;
    return Error(absl::StatusCode::kInvalidArgument, reason::kRequestIdReused,
                 "another body under the same request_id");
  }
  for (size_t i = 0; i < call.kinds.size(); ++i) {
    const PointKey key = PointKey::FromBytes(call.keys.data() + i * PointKey::kSize);
    if (!Owns(shard->spec, key)) return Outside(key);
  }
  WriteReply reply;
  reply.lsn = ++shard->lsn;
  const size_t vector_bytes = shard->spec.dimension * ElementSize(shard->spec.element_type);
  size_t stored = 0;
  size_t payload_at = 0;
  for (size_t i = 0; i < call.kinds.size(); ++i) {
    Point point;
    if (CarriesVector(call.kinds[i])) {
      point.vector = call.vectors.substr(stored * vector_bytes, vector_bytes);
      const size_t size = call.payload_sizes.empty() ? 0 : call.payload_sizes[stored];
      point.payload = call.payloads.substr(payload_at, size);
      payload_at += size;
      ++stored;
    }
    reply.outcomes.push_back(Apply(*shard, call, i, &point));
    reply.versions.push_back(point.version);
  }
  reply.live_points = shard->points.size();
  if (!call.request_id.empty()) shard->requests[call.request_id] = {call.body_hash, reply};
  return reply;
}

WriteOutcome FakeShardService::Apply(Shard& shard, const WriteCall& call, size_t i, Point* stored) {
  const PointKey key = PointKey::FromBytes(call.keys.data() + i * PointKey::kSize);
  const auto found = shard.points.find(key);
  const uint64_t version = found == shard.points.end() ? 0 : found->second.version;
  const WriteKind kind = call.kinds[i];
  stored->version = version;
  const uint64_t wanted = call.if_versions.empty() ? kNoVersionCondition : call.if_versions[i];
  if (wanted != kNoVersionCondition && wanted != version) return WriteOutcome::kVersionMismatch;
  if (kind == WriteKind::kInsertOnly && version != 0) return WriteOutcome::kAlreadyExists;
  const bool changes = kind == WriteKind::kUpdateOnly || ChangesPayload(kind);
  if (changes && version == 0) return WriteOutcome::kNotFound;
  if (kind == WriteKind::kDelete) {
    stored->version = 0;
    return shard.points.erase(key) == 1 ? WriteOutcome::kOk : WriteOutcome::kNotFound;
  }
  if (ChangesPayload(kind)) {
    const auto merged = kind == WriteKind::kMergePayload
                            ? MergePayload(found->second.payload, call.change)
                            : std::optional<std::string>(call.change);
    if (!merged.has_value()) return WriteOutcome::kPayloadNoObject;
    *stored = {found->second.vector, *merged, version};
  }
  stored->version = version + 1;
  shard.points[key] = *stored;
  return WriteOutcome::kOk;
}

void FakeShardService::Get(GetCall call, Deadline, Done<GetReply> done) {
  const absl::Status entered = Enter("Get");
  if (!entered.ok()) return done(entered);
  std::unique_lock lock(mutex_);
  absl::StatusOr<GetReply> reply = GetLocked(call);
  lock.unlock();
  done(std::move(reply));
}

absl::StatusOr<GetReply> FakeShardService::GetLocked(const GetCall& call) {
  KITH_ASSIGN_OR_RETURN(const Shard* shard, Find(call.shard, call.incarnation));
  GetReply reply;
  for (size_t at = 0; at + PointKey::kSize <= call.keys.size(); at += PointKey::kSize) {
    const auto found = shard->points.find(PointKey::FromBytes(call.keys.data() + at));
    reply.found.push_back(found != shard->points.end());
    if (found == shard->points.end()) continue;
    reply.versions.push_back(found->second.version);
    if (call.with_vector) reply.vectors += found->second.vector;
    if (!call.with_payload) continue;
    reply.payload_sizes.push_back(static_cast<uint32_t>(found->second.payload.size()));
    reply.payloads += found->second.payload;
  }
  return reply;
}

// It has no postings: what filters and facets are made of is tested on shard nodes.
void FakeShardService::Facet(FacetCall, Deadline, Done<FacetReply> done) {
  done(absl::UnimplementedError("the shard node in memory has no payload index"));
}

void FakeShardService::Scroll(ScrollCall call, Deadline, Done<ScrollReply> done) {
  const absl::Status entered = Enter("Scroll");
  if (!entered.ok()) return done(entered);
  std::unique_lock lock(mutex_);
  absl::StatusOr<ScrollReply> reply = ScrollLocked(call);
  lock.unlock();
  done(std::move(reply));
}

absl::StatusOr<ScrollReply> FakeShardService::ScrollLocked(const ScrollCall& call) {
  KITH_ASSIGN_OR_RETURN(const Shard* shard, Find(call.shard, call.incarnation));
  const bool owned =
      std::any_of(shard->spec.slots.begin(), shard->spec.slots.end(), [&](const auto& range) {
        return call.slot_begin >= range.first && call.slot_end <= range.second;
      });
  if (!owned) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kWrongShard, "not its slots");
  }
  std::map<std::pair<uint32_t, PointKey>, const Point*> ordered;
  for (const auto& [key, point] : shard->points) ordered[{SlotOf(key), key}] = &point;
  ScrollReply reply;
  reply.at_end = true;
  for (const auto& [place, point] : ordered) {
    const auto& [slot, key] = place;
    const bool passed = !call.after.empty() && slot == call.slot_begin && key.view() <= call.after;
    if (slot < call.slot_begin || slot >= call.slot_end || passed) continue;
    const size_t bytes = (call.with_vector ? point->vector.size() : 0) +
                         (call.with_payload ? point->payload.size() : 0);
    const bool fits = reply.vectors.size() + reply.payloads.size() + bytes <= call.bytes_limit;
    reply.at_end = reply.versions.size() < call.limit && (fits || reply.versions.empty());
    if (!reply.at_end) break;
    reply.keys.append(key.view());
    reply.versions.push_back(point->version);
    if (call.with_vector) reply.vectors += point->vector;
    if (!call.with_payload) continue;
    reply.payload_sizes.push_back(static_cast<uint32_t>(point->payload.size()));
    reply.payloads += point->payload;
  }
  return reply;
}

}  // namespace kith::testing
