#include "coordinator/write/write_answer.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

absl::Status StatusOf(WriteOutcome outcome, uint64_t version) {
  switch (outcome) {
    case WriteOutcome::kOk:
      return absl::OkStatus();
    case WriteOutcome::kAlreadyExists:
      return Error(absl::StatusCode::kAlreadyExists, reason::kPointExists,
                   "the point is there already, and the mode is insert only",
                   {{"stored_version", std::to_string(version)}});
    case WriteOutcome::kNotFound:
      return Error(absl::StatusCode::kNotFound, reason::kPointNotFound,
                   "there is no such point, and only one that is there is changed");
    case WriteOutcome::kVersionMismatch:
      return Error(absl::StatusCode::kAborted, reason::kVersionMismatch,
                   fmt::format("the stored version is {}; read the point again", version),
                   {{"stored_version", std::to_string(version)}});
    case WriteOutcome::kPayloadNoObject:
      return Error(absl::StatusCode::kInvalidArgument, reason::kBadPayload,
                   "the point's payload is no JSON object, so that there are no fields to set; "
                   "replace it");
    case WriteOutcome::kPayloadTooLarge:
      return Error(absl::StatusCode::kInvalidArgument, reason::kPayloadTooLarge,
                   fmt::format("the point's payload would have more than {} bytes; clear some of "
                               "its fields first",
                               limits::kPayloadBytesMax));
  }
  return Error(absl::StatusCode::kInternal, reason::kCorruption,
               fmt::format("the shard answered with outcome {}", static_cast<int>(outcome)));
}

// Of several shards' errors the one that leaves the caller in the greatest doubt.
absl::Status WorstOf(const Replies<WriteReply>& replies) {
  const absl::Status* worst = nullptr;
  for (const auto& reply : replies) {
    if (reply.ok()) continue;
    if (ReasonOf(reply.status()) == reason::kUnknownOutcome) return reply.status();
    if (worst == nullptr) worst = &reply.status();
  }
  return worst == nullptr ? absl::OkStatus() : *worst;
}

void Set(uint32_t item, absl::Status status, size_t items, UpsertAnswer& answer) {
  if (answer.statuses.empty()) answer.statuses.resize(items);
  answer.statuses[item] = std::move(status);
}

void FoldShard(const WriteBatch& batch, const ShardWrite& write,
               const absl::StatusOr<WriteReply>& reply, UpsertAnswer& answer) {
  for (size_t i = 0; i < write.count; ++i) {
    if (reply.ok()) answer.versions[batch.PlaceOf(write.OperationAt(i))] = reply->versions[i];
    absl::Status status =
        reply.ok() ? StatusOf(reply->outcomes[i], reply->versions[i]) : reply.status();
    if (status.ok()) {
      ++answer.written;
    } else {
      Set(batch.PlaceOf(write.OperationAt(i)), std::move(status), batch.items, answer);
    }
  }
}

}  // namespace

void CheckReplies(const std::vector<ShardWrite>& writes, Replies<WriteReply>& replies) {
  for (size_t i = 0; i < writes.size(); ++i) {
    if (!replies[i].ok()) continue;
    const WriteReply& reply = *replies[i];
    if (reply.outcomes.size() == writes[i].count && reply.versions.size() == writes[i].count) {
      continue;
    }
    replies[i] = Error(absl::StatusCode::kDataLoss, reason::kUnknownOutcome,
                       fmt::format("shard {} answered for {} of {} operations",
                                   writes[i].call.shard, reply.outcomes.size(), writes[i].count));
  }
}

absl::StatusOr<UpsertAnswer> FoldUpsert(const WriteBatch& batch,
                                        const std::vector<ShardWrite>& writes,
                                        const Replies<WriteReply>& replies) {
  UpsertAnswer answer;
  answer.versions.resize(batch.items);
  for (size_t i = 0; i < writes.size(); ++i) {
    if (replies[i].ok()) {
      answer.tokens.push_back({writes[i].call.shard, replies[i]->epoch, replies[i]->lsn});
    }
    FoldShard(batch, writes[i], replies[i], answer);
  }
  if (!writes.empty() && answer.tokens.empty()) return WorstOf(replies);
  for (const auto& [item, status] : batch.refused) Set(item, status, batch.items, answer);
  return answer;
}

absl::StatusOr<DeleteAnswer> FoldDelete(const std::vector<ShardWrite>& writes,
                                        const Replies<WriteReply>& replies) {
  KITH_RETURN_IF_ERROR(WorstOf(replies));
  DeleteAnswer answer;
  for (size_t i = 0; i < writes.size(); ++i) {
    answer.tokens.push_back({writes[i].call.shard, replies[i]->epoch, replies[i]->lsn});
    for (const WriteOutcome outcome : replies[i]->outcomes) {
      answer.deleted += outcome == WriteOutcome::kOk ? 1 : 0;
    }
  }
  return answer;
}

}  // namespace kith::coordinator
