#include "coordinator/read/scroll_service.h"

#include <fmt/format.h>

#include <memory>
#include <numeric>
#include <utility>

#include "common/base/ids.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/filter_check.h"
#include "coordinator/read/page_token.h"
#include "coordinator/search/call_deadlines.h"
#include "coordinator/search/point_deadline.h"
#include "coordinator/search/scatter_gather.h"

namespace kith::coordinator {
namespace {

// Then a page ends, full or not, so that it comes well within its deadline.
constexpr int kSparseRepliesMax = 16;

PointKey KeyAt(const ScrollReply& reply, size_t i) {
  return PointKey::FromBytes(reply.keys.data() + i * PointKey::kSize);
}

size_t BytesOf(const ScrollReply& reply) { return reply.vectors.size() + reply.payloads.size(); }

absl::Status BadReply(const ScrollCall& call, std::string_view what) {
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("shard {} sent a page whose {}", call.shard, what));
}

absl::Status CheckShape(const ScrollReply& reply, const ScrollCall& call, size_t vector_bytes) {
  const size_t count = reply.versions.size();
  const uint64_t payload_bytes =
      std::accumulate(reply.payload_sizes.begin(), reply.payload_sizes.end(), uint64_t{0});
  const bool fits = reply.keys.size() == count * PointKey::kSize && count <= call.limit &&
                    reply.vectors.size() == (call.with_vector ? count * vector_bytes : 0) &&
                    reply.payload_sizes.size() == (call.with_payload ? count : 0) &&
                    reply.payloads.size() == payload_bytes;
  if (!fits) return BadReply(call, "parts do not fit each other");
  if (count == 0 && !reply.at_end && reply.reached.empty()) {
    return BadReply(call, "points are missing");
  }
  return absl::OkStatus();
}

// A shard that broke the order could make a scroll miss points, or never end.
absl::Status CheckOrder(const ScrollReply& reply, const ScrollCall& call) {
  uint32_t slot_before = call.slot_begin;
  std::optional<PointKey> before;
  if (!call.after.empty()) before = PointKey::FromBytes(call.after.data());
  const auto follows = [&](const PointKey& key) {
    const uint32_t slot = SlotOf(key);
    return slot < call.slot_end &&
           (slot > slot_before || (slot == slot_before && (!before || *before < key)));
  };
  for (size_t i = 0; i < reply.versions.size(); ++i) {
    const PointKey key = KeyAt(reply, i);
    if (!follows(key)) return BadReply(call, "points are out of order");
    slot_before = SlotOf(key);
    before = key;
  }
  if (reply.reached.empty()) return absl::OkStatus();
  const PointKey reached = PointKey::FromBytes(reply.reached.data());
  const bool is_last = !reply.versions.empty() && reached == *before;
  return is_last || follows(reached) ? absl::OkStatus() : BadReply(call, "end is out of order");
}

// One page in the making: asks one shard after another until it is full.
// Threads: one at a time; whichever a reply comes on.
class PageRead : public std::enable_shared_from_this<PageRead> {
 public:
  struct Plan {
    std::shared_ptr<const CollectionEntry> entry;
    std::vector<uint64_t> wait_lsns;  // one a route
    CallDeadlines deadlines;
    uint32_t limit = 0;
    bool with_vector = false;
    bool with_payload = false;
    std::shared_ptr<const Filter> filter;
  };

  PageRead(Plan plan, DeadlineTimer& timer, Done<ScrollPage> done)
      : plan_(std::move(plan)), timer_(timer), done_(std::move(done)) {
    const CollectionRecord& record = plan_.entry->record;
    page_.vector_bytes = record.dimension * ElementSize(record.element_type);
  }

  void BeginBehind(const PointKey& last) {
    after_ = last;
    slot_ = SlotOf(last);
  }

  void Step() {
    const size_t route = plan_.entry->route_of_slot[slot_];
    auto call = std::make_shared<const ScrollCall>(NextCall(route));
    const GatherLimits limits{timer_, plan_.deadlines.gather,
                              Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                                    "a shard did not answer in time")};
    ScatterGather<ScrollReply>(
        1, limits,
        [&](size_t, Done<ScrollReply> part) {
          plan_.entry->routes[route]->service->Scroll(*call, plan_.deadlines.shards,
                                                      std::move(part));
        },
        [self = shared_from_this(), call](Replies<ScrollReply> replies) {
          self->Take(*call, std::move(replies[0]));
        });
  }

 private:
  ScrollCall NextCall(size_t route) const {
    ScrollCall call;
    call.shard = plan_.entry->routes[route]->shard;
    call.incarnation = plan_.entry->record.incarnation;
    call.slot_begin = slot_;
    call.slot_end = slot_ + 1;
    const auto& route_of_slot = plan_.entry->route_of_slot;
    while (call.slot_end < limits::kSlots && route_of_slot[call.slot_end] == route) {
      ++call.slot_end;
    }
    if (after_.has_value()) call.after = after_->view();
    call.limit = plan_.limit - taken_;
    call.bytes_limit = static_cast<uint32_t>(limits::kPageBytesMax - bytes_);
    call.with_vector = plan_.with_vector;
    call.with_payload = plan_.with_payload;
    call.wait_lsn = plan_.wait_lsns.empty() ? 0 : plan_.wait_lsns[route];
    call.filter = plan_.filter;
    return call;
  }

  void Take(const ScrollCall& call, absl::StatusOr<ScrollReply> reply) {
    if (!reply.ok()) return done_(reply.status());
    absl::Status checked = CheckShape(*reply, call, page_.vector_bytes);
    if (checked.ok()) checked = CheckOrder(*reply, call);
    if (!checked.ok()) return done_(checked);
    Add(call, *std::move(reply));
    if (slot_ == limits::kSlots) return done_(std::move(page_));
    const bool has_room = taken_ < plan_.limit && bytes_ < limits::kPageBytesMax;
    if (has_room && sparse_replies_ < kSparseRepliesMax) return Step();
    page_.next_page_token =
        PageToken({plan_.entry->record.incarnation, plan_.filter.get()}, *last_);
    done_(std::move(page_));
  }

  void Add(const ScrollCall& call, ScrollReply reply) {
    if (!reply.versions.empty()) last_ = KeyAt(reply, reply.versions.size() - 1);
    if (!reply.reached.empty()) {
      last_ = PointKey::FromBytes(reply.reached.data());
      ++sparse_replies_;
    }
    if (reply.at_end) {
      slot_ = call.slot_end;
      after_.reset();
    } else {
      slot_ = SlotOf(*last_);
      after_ = last_;
    }
    taken_ += static_cast<uint32_t>(reply.versions.size());
    bytes_ += BytesOf(reply);
    if (!reply.versions.empty()) page_.parts.push_back(std::move(reply));
  }

  const Plan plan_;
  DeadlineTimer& timer_;
  Done<ScrollPage> done_;
  ScrollPage page_;
  uint32_t slot_ = 0;              // where the next call begins ...
  std::optional<PointKey> after_;  // ... and behind which key of it
  std::optional<PointKey> last_;   // that the page has looked at
  int sparse_replies_ = 0;         // in which the shard looked at as much as it may
  uint32_t taken_ = 0;
  size_t bytes_ = 0;
};

}  // namespace

void ScrollService::Scroll(const ScrollPointsCall& call, Done<ScrollPage> done) const {
  const absl::StatusOr<Deadline> deadline = PointDeadline(call.deadline, clock_.Now());
  if (!deadline.ok()) return done(deadline.status());
  auto entry = map_.Find(call.collection);
  if (!entry.ok()) return done(entry.status());
  if (call.limit == 0 || call.limit > limits::kPointsPerCallMax) {
    return done(FieldError(
        "limit", reason::kLimitOutOfRange,
        fmt::format("is {}, must be from 1 to {}", call.limit, limits::kPointsPerCallMax)));
  }
  if (call.filter != nullptr) {
    absl::Status bad = CheckFilter(*call.filter, (*entry)->record.payload_fields, "filter");
    if (!bad.ok()) return done(bad);
  }
  auto wait_lsns = WaitLsns(**entry, call.tokens, "tokens");
  if (!wait_lsns.ok()) return done(wait_lsns.status());
  std::optional<PointKey> last;
  if (!call.page_token.empty()) {
    const auto read = LastOf(call.page_token, {(*entry)->record.incarnation, call.filter.get()});
    if (!read.ok()) return done(read.status());
    last = *read;
  }
  PageRead::Plan plan;
  plan.entry = *std::move(entry);
  plan.wait_lsns = *std::move(wait_lsns);
  plan.deadlines = SplitDeadline(clock_.Now(), *deadline);
  plan.limit = call.limit;
  plan.with_vector = call.with_vector;
  plan.with_payload = call.with_payload;
  plan.filter = call.filter;
  const auto page = std::make_shared<PageRead>(std::move(plan), timer_, std::move(done));
  if (last.has_value()) page->BeginBehind(*last);
  page->Step();
}

}  // namespace kith::coordinator
