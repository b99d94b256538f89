#include "coordinator/write/selected_write.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/filter_check.h"
#include "coordinator/search/scatter_gather.h"
#include "coordinator/write/body_hasher.h"
#include "coordinator/write/write_batch.h"

namespace kith::coordinator {
namespace {

// Of the token: shard u64 | bound u64.
constexpr size_t kTokenBody = 2 * sizeof(uint64_t);

std::string HashOf(const SelectedWriteCall& call, const Uuid& incarnation) {
  BodyHasher hasher;
  hasher.Add(incarnation.view());
  hasher.Add(static_cast<uint64_t>(call.kind));
  hasher.Add(FilterBytes(*call.filter));
  hasher.Add(call.change);
  return hasher.Take();
}

}  // namespace

void SelectedWrite::Begin(Plan plan, const Host& host, Done<SelectedWriteAnswer> done) {
  const std::shared_ptr<SelectedWrite> write(
      new SelectedWrite(std::move(plan), host, std::move(done)));
  const absl::Status checked = write->Check();
  if (!checked.ok()) return write->done_(checked);
  write->Step();
}

SelectedWrite::SelectedWrite(Plan plan, const Host& host, Done<SelectedWriteAnswer> done)
    : plan_(std::move(plan)),
      host_(host),
      pause_at_(host.clock.Now() + (plan_.deadline - host.clock.Now()) / 2),
      deadlines_(SplitDeadline(host.clock.Now(), plan_.deadline)),
      done_(std::move(done)) {}

absl::Status SelectedWrite::Check() {
  const SelectedWriteCall& call = plan_.call;
  const CollectionRecord& record = plan_.entry->record;
  KITH_RETURN_IF_ERROR(CheckRequestId(call.request_id));
  KITH_RETURN_IF_ERROR(CheckFilter(*call.filter, record.payload_fields, "filter"));
  if (ChangesPayload(call.kind)) {
    KITH_RETURN_IF_ERROR(
        CheckChange(call.kind, call.change, record.payload_fields, call.change_field));
  }
  body_hash_ = HashOf(call, record.incarnation);
  subject_ = {TokenKind::kSelection, record.incarnation, 0};
  std::memcpy(&subject_.asked, body_hash_.data(), sizeof(subject_.asked));
  return call.page_token.empty() ? absl::OkStatus() : ResumeAt(call.page_token);
}

absl::Status SelectedWrite::ResumeAt(const std::string& token) {
  KITH_ASSIGN_OR_RETURN(const std::string body, OpenToken(token, subject_, kTokenBody));
  ShardId shard = 0;
  std::memcpy(&shard, body.data(), sizeof(shard));
  std::memcpy(&version_below_, body.data() + sizeof(shard), sizeof(version_below_));
  const auto& routes = plan_.entry->routes;
  const auto found = std::find_if(routes.begin(), routes.end(),
                                  [&](const auto& route) { return route->shard == shard; });
  if (found == routes.end()) {
    return BadToken("names a shard that the collection no longer has; begin again without one");
  }
  route_ = static_cast<size_t>(found - routes.begin());
  return absl::OkStatus();
}

std::string SelectedWrite::Token() const {
  const ShardId shard = plan_.entry->routes[route_]->shard;
  std::string body(reinterpret_cast<const char*>(&shard), sizeof(shard));
  body.append(reinterpret_cast<const char*>(&version_below_), sizeof(version_below_));
  return SealToken(subject_, body);
}

// A batch's own request_id follows from the caller's, so that the same call again finds the batches
// that were done, each with the bound that it had.
WriteCall SelectedWrite::NextCall() const {
  WriteCall call;
  call.shard = plan_.entry->routes[route_]->shard;
  call.incarnation = plan_.entry->record.incarnation;
  call.kinds = {plan_.call.kind};
  call.change = plan_.call.change;
  call.body_hash = body_hash_;
  call.unix_ms = host_.clock.UnixMs();
  const uint64_t left = limits::kSelectedPerCallMax - answer_.written;
  call.selection =
      WriteSelection{plan_.call.filter, version_below_,
                     static_cast<uint32_t>(std::min<uint64_t>(left, limits::kSelectionPointsMax))};
  if (plan_.call.request_id.empty()) return call;
  BodyHasher hasher;
  hasher.Add(plan_.call.request_id);
  hasher.Add(plan_.call.page_token);
  hasher.Add(batches_);
  call.request_id = hasher.Take();
  return call;
}

void SelectedWrite::Step() {
  const GatherLimits limits{host_.timer, deadlines_.gather,
                            Error(absl::StatusCode::kDeadlineExceeded, reason::kUnknownOutcome,
                                  "a shard did not answer in time: its batch may or may not have "
                                  "been done; repeat the call as it was")};
  ScatterGather<WriteReply>(
      1, limits,
      [this](size_t, Done<WriteReply> part) {
        plan_.entry->routes[route_]->service->Write(NextCall(), deadlines_.shards, std::move(part));
      },
      [self = shared_from_this()](Replies<WriteReply> replies) {
        self->Take(std::move(replies[0]));
      });
}

void SelectedWrite::Take(absl::StatusOr<WriteReply> reply) {
  if (!reply.ok()) return done_(reply.status());
  const ShardRoute& route = *plan_.entry->routes[route_];
  // A bound that is missing would begin the shard's part anew, again and again.
  if (reply->version_below == 0) {
    return done_(Error(absl::StatusCode::kDataLoss, reason::kUnknownOutcome,
                       "a shard's answer to a filter lacks its bound"));
  }
  ++batches_;
  answer_.written += reply->outcomes.size();
  route.NoteLivePoints(reply->live_points);
  const WriteToken token{route.shard, reply->epoch, reply->lsn};
  if (!answer_.tokens.empty() && answer_.tokens.back().shard == route.shard) {
    answer_.tokens.back() = token;
  } else {
    answer_.tokens.push_back(token);
  }
  version_below_ = reply->has_more ? reply->version_below : 0;
  route_ += reply->has_more ? 0 : 1;
  if (route_ == plan_.entry->routes.size()) return done_(std::move(answer_));
  const bool is_enough = answer_.written >= limits::kSelectedPerCallMax;
  if (!is_enough && host_.clock.Now() < pause_at_) return Step();
  answer_.next_page_token = Token();
  done_(std::move(answer_));
}

}  // namespace kith::coordinator
