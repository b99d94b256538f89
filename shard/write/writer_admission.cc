// Which of the calls that wait a group consists of, and what each of them writes.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/write/writer.h"

namespace kith::shard {
namespace {

// A point whose payload cannot be changed so would be picked again and again.
absl::Status CheckSelected(const WriteCall& call, const ChangedPoints& changed) {
  for (size_t i = 0; i < changed.size(); ++i) {
    if (changed[i].outcome == WriteOutcome::kOk) continue;
    const PointKey key = PointKey::FromBytes(call.keys.data() + i * PointKey::kSize);
    if (changed[i].outcome == WriteOutcome::kPayloadTooLarge) {
      return Error(absl::StatusCode::kInvalidArgument, reason::kPayloadTooLarge,
                   fmt::format("the payload of point {} would have more than {} bytes; clear some "
                               "of its fields, or leave the point out of the filter",
                               PointKeyToString(key), limits::kPayloadBytesMax));
    }
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadPayload,
                 fmt::format("the payload of point {} is no JSON object, so that there are no "
                             "fields to set; replace it, or leave the point out of the filter",
                             PointKeyToString(key)));
  }
  return absl::OkStatus();
}

}  // namespace

Writer::Group Writer::Admit(std::vector<Pending> calls) {
  Group group;
  Resolver resolver(*parts_.state, applier_.applied().next_row);
  uint64_t lsn = applier_.applied().applied_lsn;
  for (size_t i = 0; i < calls.size(); ++i) {
    Pending& pending = calls[i];
    if (MustWait(group, pending.call, resolver)) {
      PutBack(std::span(calls).subspan(i));
      break;
    }
    if (AnswerRepeat(pending)) continue;
    absl::StatusOr<ResolvedWrite> resolved = AdmitOne(pending, resolver, lsn + 1);
    if (!resolved.ok()) {
      pending.done(resolved.status());
      continue;
    }
    ++lsn;
    std::string body = EncodeResolved(pending.call, *resolved, parts_.vector_bytes);
    resolved->changed.clear();  // the body has it
    group.bytes += body.size();
    group.writes.push_back({std::move(pending), *std::move(resolved), std::move(body)});
  }
  for (const Logged& logged : group.writes) {
    group.records.push_back(
        {parts_.spec.shard, logged.resolved.lsn, applier_.applied().epoch, logged.body});
  }
  return group;
}

// For the next group, which finds this one applied: a repeat of one of its calls, which the table
// then answers; a filter, which sees what is applied; a payload that it writes, and one more
// changes. What a change makes of a few bytes may be large, so that the group is full before it is
// long.
bool Writer::MustWait(const Group& group, const WriteCall& call, const Resolver& resolver) const {
  if (group.writes.empty()) return false;
  if (call.selection.has_value() || group.bytes >= WriteQueue::kGroupBytesMax) return true;
  if (ChangesPayload(call.kinds.front()) && resolver.HasWritten(call.keys)) return true;
  return !call.request_id.empty() &&
         std::any_of(group.writes.begin(), group.writes.end(), [&](const Logged& logged) {
           return logged.pending.call.request_id == call.request_id;
         });
}

void Writer::PutBack(std::span<Pending> calls) {
  std::lock_guard lock(mutex_);
  for (size_t i = calls.size(); i-- > 0;) queue_.PutBack(std::move(calls[i]));
}

absl::StatusOr<ResolvedWrite> Writer::AdmitOne(Pending& pending, Resolver& resolver, uint64_t lsn) {
  if (parts_.clock->Now() >= pending.deadline) {
    std::lock_guard lock(mutex_);
    queue_.NoteExpired();
    return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                 "the deadline passed before the write began; nothing was written");
  }
  WriteCall& call = pending.call;
  // A field was added while the call waited: the payloads must fit it too.
  if (pending.fields_revision != applier_.fields().revision) {
    KITH_RETURN_IF_ERROR(admission_.CheckCall(call));
  }
  bool has_more = false;
  if (call.selection.has_value()) {
    KITH_ASSIGN_OR_RETURN(has_more, Select(call, lsn));
  }
  const auto deletes = std::count(call.kinds.begin(), call.kinds.end(), WriteKind::kDelete);
  KITH_RETURN_IF_ERROR(
      admission_.CheckRoom(resolver.next_row(), call.kinds.size() - static_cast<size_t>(deletes)));
  KITH_RETURN_IF_ERROR(resolver.Lookup(call.keys));
  ChangedPoints changed;
  if (!call.kinds.empty() && ChangesPayload(call.kinds.front())) {
    KITH_ASSIGN_OR_RETURN(changed, resolver.Change(call));
  }
  if (call.selection.has_value()) KITH_RETURN_IF_ERROR(CheckSelected(call, changed));
  ResolvedWrite resolved = resolver.Resolve(call, lsn, std::move(changed));
  if (call.selection.has_value()) {
    resolved.version_below = call.selection->version_below;
    resolved.has_more = has_more;
  }
  return resolved;
}

// The call as if it had named the points that its filter picks now. Whether more are left.
absl::StatusOr<bool> Writer::Select(WriteCall& call, uint64_t lsn) const {
  if (call.selection->version_below == 0) call.selection->version_below = PutVersion(lsn, 0);
  KITH_ASSIGN_OR_RETURN(SelectedPoints found, options_.select(*call.selection));
  call.kinds.assign(found.keys.size() / PointKey::kSize, call.kinds.front());
  call.keys = std::move(found.keys);
  return found.has_more;
}

bool Writer::AnswerRepeat(Pending& pending) {
  const WriteCall& call = pending.call;
  if (call.request_id.empty()) return false;
  auto found = parts_.state->FindDedupe(call.request_id);
  if (!found.ok()) {
    pending.done(found.status());
    return true;
  }
  if (!found->has_value()) return false;
  const storage::DedupeEntry& entry = **found;
  if (entry.unix_ms + limits::kDedupeAgeMs < parts_.clock->UnixMs()) return false;
  // The hash is what the caller says it is: the same one over other operations is the caller's
  // fault, and no damage of the disk.
  if (entry.body_hash != call.body_hash || AnswersOtherOperations(entry.reply, call)) {
    pending.done(FieldError("request_id", reason::kRequestIdReused,
                            "was used before with another body; take a new one for a new write"));
    return true;
  }
  absl::StatusOr<WriteReply> reply = DecodeDedupeReply(entry.reply, call);
  if (reply.ok()) reply->live_points = applier_.applied().live_points;
  pending.done(std::move(reply));
  return true;
}

}  // namespace kith::shard
