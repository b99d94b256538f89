#include "coordinator/search/point_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/search/call_deadlines.h"
#include "coordinator/search/scatter_gather.h"

namespace kith::coordinator {
namespace {

// What an answer adds to a point's vector and payload: id, version, score, the fields' headers; and
// what it says about itself as a whole.
constexpr size_t kPointOverheadBytes = 64;
constexpr size_t kAnswerOverheadBytes = 64 << 10;

// The points that one shard is asked for.
struct ShardPart {
  size_t route = 0;
  GetCall call;
  std::vector<uint32_t> places;  // in the read
};

std::vector<ShardPart> SplitByShard(const PointRead& read) {
  const CollectionEntry& entry = *read.entry;
  constexpr size_t kNone = ~size_t{0};
  std::vector<size_t> part_of_route(entry.routes.size(), kNone);
  std::vector<ShardPart> parts;
  const auto count = static_cast<uint32_t>(read.keys.size() / PointKey::kSize);
  for (uint32_t i = 0; i < count; ++i) {
    const char* const key = read.keys.data() + size_t{i} * PointKey::kSize;
    const size_t route = entry.route_of_slot[SlotOf(PointKey::FromBytes(key))];
    if (part_of_route[route] == kNone) {
      part_of_route[route] = parts.size();
      ShardPart part;
      part.route = route;
      part.call.shard = entry.routes[route]->shard;
      part.call.incarnation = entry.record.incarnation;
      part.call.with_vector = read.with_vector;
      part.call.with_payload = read.with_payload;
      part.call.wait_lsn = read.wait_lsns.empty() ? 0 : read.wait_lsns[route];
      parts.push_back(std::move(part));
    }
    ShardPart& part = parts[part_of_route[route]];
    part.call.keys.append(key, PointKey::kSize);
    part.places.push_back(i);
  }
  return parts;
}

absl::Status CheckReply(const GetReply& reply, const GetCall& call, size_t vector_bytes) {
  const size_t keys = call.keys.size() / PointKey::kSize;
  const auto found = static_cast<size_t>(std::count_if(
      reply.found.begin(), reply.found.end(), [](uint8_t is_found) { return is_found != 0; }));
  const uint64_t payload_bytes =
      std::accumulate(reply.payload_sizes.begin(), reply.payload_sizes.end(), uint64_t{0});
  const bool fits = reply.found.size() == keys && reply.versions.size() == found &&
                    reply.vectors.size() == (call.with_vector ? found * vector_bytes : 0) &&
                    (reply.payload_sizes.empty() || reply.payload_sizes.size() == found) &&
                    reply.payloads.size() == payload_bytes;
  if (fits) return absl::OkStatus();
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("shard {} sent a reply whose parts do not fit each other ({} keys, {} "
                           "found, {} versions, {} vector bytes, {} payload bytes)",
                           call.shard, keys, found, reply.versions.size(), reply.vectors.size(),
                           reply.payloads.size()));
}

void PlaceRows(const GetReply& reply, const ShardPart& part, size_t vector_bytes,
               std::vector<PointRows::Row>& rows) {
  size_t found = 0;
  size_t payload_at = 0;
  for (size_t i = 0; i < part.places.size(); ++i) {
    if (reply.found[i] == 0) continue;
    PointRows::Row& row = rows[part.places[i]];
    row.is_found = true;
    row.version = reply.versions[found];
    if (part.call.with_vector) {
      row.vector = std::string_view(reply.vectors).substr(found * vector_bytes, vector_bytes);
    }
    if (!reply.payload_sizes.empty()) {
      row.payload = std::string_view(reply.payloads).substr(payload_at, reply.payload_sizes[found]);
      payload_at += reply.payload_sizes[found];
    }
    ++found;
  }
}

absl::StatusOr<PointRows> Fold(const std::vector<ShardPart>& parts, Replies<GetReply> replies,
                               const PointRead& read) {
  const size_t vector_bytes =
      read.entry->record.dimension * ElementSize(read.entry->record.element_type);
  PointRows points;
  points.rows.resize(read.keys.size() / PointKey::kSize);
  points.replies.reserve(parts.size());  // the rows are views: nothing may move afterwards
  size_t bytes = kAnswerOverheadBytes + points.rows.size() * kPointOverheadBytes;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!replies[i].ok()) return replies[i].status();
    KITH_RETURN_IF_ERROR(CheckReply(*replies[i], parts[i].call, vector_bytes));
    points.replies.push_back(*std::move(replies[i]));
    const GetReply& reply = points.replies.back();
    PlaceRows(reply, parts[i], vector_bytes, points.rows);
    bytes += reply.vectors.size() + reply.payloads.size();
  }
  if (bytes > limits::kMessageBytesMax) {
    return Error(absl::StatusCode::kResourceExhausted, reason::kBatchTooLarge,
                 fmt::format("an answer with the points found has {} bytes, at most {} are sent; "
                             "ask for fewer",
                             bytes, limits::kMessageBytesMax));
  }
  return points;
}

}  // namespace

void PointReader::Read(PointRead read, Done<PointRows> done) const {
  auto parts = std::make_shared<const std::vector<ShardPart>>(SplitByShard(read));
  if (parts->empty()) return done(PointRows());
  const CallDeadlines deadlines = SplitDeadline(clock_.Now(), read.deadline);
  const GatherLimits limits{timer_, deadlines.gather,
                            Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                                  "a shard did not answer in time")};
  const auto entry = read.entry;
  const auto send = [&](size_t i, Done<GetReply> part_done) {
    const ShardPart& part = (*parts)[i];
    entry->routes[part.route]->service->Get(part.call, deadlines.shards, std::move(part_done));
  };
  ScatterGather<GetReply>(
      parts->size(), limits, send,
      [parts, read = std::move(read), done = std::move(done)](Replies<GetReply> replies) mutable {
        done(Fold(*parts, std::move(replies), read));
      });
}

}  // namespace kith::coordinator
