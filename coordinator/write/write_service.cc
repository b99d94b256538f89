#include "coordinator/write/write_service.h"

#include <memory>
#include <string>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/search/call_deadlines.h"
#include "coordinator/search/point_deadline.h"
#include "coordinator/write/selected_write.h"
#include "coordinator/write/write_answer.h"
#include "coordinator/write/write_batch.h"

namespace kith::coordinator {

struct WriteService::Sending {
  std::shared_ptr<const CollectionEntry> entry;
  std::shared_ptr<WriteBatch> batch;
  std::string request_id;
  WritePriority priority = WritePriority::kInteractive;
  Deadline deadline;
};

void WriteService::Upsert(const UpsertCall& call, Done<UpsertAnswer> done) const {
  const absl::StatusOr<Deadline> deadline = PointDeadline(call.deadline, clock_.Now());
  if (!deadline.ok()) return done(deadline.status());
  auto entry = map_.Find(call.collection);
  if (!entry.ok()) return done(entry.status());
  absl::StatusOr<WriteBatch> made = MakeUpsertBatch(call, (*entry)->record);
  if (!made.ok()) return done(made.status());
  auto batch = std::make_shared<WriteBatch>(*std::move(made));
  Send({*std::move(entry), batch, call.request_id, call.priority, *deadline},
       [batch, done = std::move(done)](const auto& writes, const auto& replies) mutable {
         done(FoldUpsert(*batch, writes, replies));
       });
}

void WriteService::Delete(const DeleteCall& call, Done<DeleteAnswer> done) const {
  const absl::StatusOr<Deadline> deadline = PointDeadline(call.deadline, clock_.Now());
  if (!deadline.ok()) return done(deadline.status());
  auto entry = map_.Find(call.collection);
  if (!entry.ok()) return done(entry.status());
  absl::StatusOr<WriteBatch> made = MakeDeleteBatch(call);
  if (!made.ok()) return done(made.status());
  auto batch = std::make_shared<WriteBatch>(*std::move(made));
  Send({*std::move(entry), std::move(batch), call.request_id, WritePriority::kInteractive,
        *deadline},
       [done = std::move(done)](const auto& writes, const auto& replies) mutable {
         done(FoldDelete(writes, replies));
       });
}

void WriteService::ChangePayload(const ChangePayloadCall& call, Done<UpsertAnswer> done) const {
  const absl::StatusOr<Deadline> deadline = PointDeadline(call.deadline, clock_.Now());
  if (!deadline.ok()) return done(deadline.status());
  auto entry = map_.Find(call.collection);
  if (!entry.ok()) return done(entry.status());
  absl::StatusOr<WriteBatch> made = MakeChangeBatch(call, (*entry)->record);
  if (!made.ok()) return done(made.status());
  auto batch = std::make_shared<WriteBatch>(*std::move(made));
  Send({*std::move(entry), batch, call.request_id, WritePriority::kInteractive, *deadline},
       [batch, done = std::move(done)](const auto& writes, const auto& replies) mutable {
         done(FoldUpsert(*batch, writes, replies));
       });
}

void WriteService::WriteSelected(const SelectedWriteCall& call,
                                 Done<SelectedWriteAnswer> done) const {
  const absl::StatusOr<Deadline> deadline = PointDeadline(call.deadline, clock_.Now());
  if (!deadline.ok()) return done(deadline.status());
  auto entry = map_.Find(call.collection);
  if (!entry.ok()) return done(entry.status());
  SelectedWrite::Begin({*std::move(entry), call, *deadline}, {timer_, clock_}, std::move(done));
}

void WriteService::Send(Sending sending, Finish finish) const {
  const CallDeadlines deadlines = SplitDeadline(clock_.Now(), sending.deadline);
  const std::string body_hash = BodyHash(*sending.batch, sending.entry->record);
  const uint64_t unix_ms = clock_.UnixMs();
  const auto writes =
      std::make_shared<std::vector<ShardWrite>>(SplitByShard(*sending.batch, *sending.entry));
  if (writes->empty()) {
    Replies<WriteReply> none;
    return finish(*writes, none);
  }
  const auto& routes = sending.entry->routes;
  const auto send = [&](size_t i, Done<WriteReply> done) {
    WriteCall call = std::move((*writes)[i].call);
    (*writes)[i].call.shard = call.shard;
    call.incarnation = sending.entry->record.incarnation;
    call.request_id = sending.request_id;
    call.body_hash = body_hash;
    call.priority = sending.priority;
    call.unix_ms = unix_ms;
    routes[(*writes)[i].route]->service->Write(std::move(call), deadlines.shards, std::move(done));
  };
  const GatherLimits limits{timer_, deadlines.gather,
                            Error(absl::StatusCode::kDeadlineExceeded, reason::kUnknownOutcome,
                                  "the shard did not answer in time: the write may or may not "
                                  "have been done; repeat it with the same request_id")};
  ScatterGather<WriteReply>(
      writes->size(), limits, send,
      [writes, entry = sending.entry,
       finish = std::move(finish)](Replies<WriteReply> replies) mutable {
        CheckReplies(*writes, replies);
        for (size_t i = 0; i < writes->size(); ++i) {
          if (replies[i].ok()) {
            entry->routes[(*writes)[i].route]->NoteLivePoints(replies[i]->live_points);
          }
        }
        finish(*writes, replies);
      });
}

}  // namespace kith::coordinator
