#include "shard/write/write_queue.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

constexpr uint64_t kImportShare = 8;  // one place in so many is an import's, where one waits
constexpr int kAverageOf = 8;         // groups, about

absl::Status QueueFull() {
  return Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
               "too many writes wait at this shard; retry later", {{kRetryAfterMsFact, "50"}});
}

absl::Status TooSlow(std::chrono::nanoseconds wait) {
  const auto wait_ms = std::chrono::duration_cast<std::chrono::milliseconds>(wait).count();
  return Error(absl::StatusCode::kResourceExhausted, reason::kOverloaded,
               "this shard could not write it before the deadline; retry later, or allow more time",
               {{kRetryAfterMsFact, std::to_string(std::clamp<int64_t>(wait_ms, 50, 1000))}});
}

}  // namespace

PendingWrite WriteQueue::Lane::Pop() {
  PendingWrite pending = std::move(calls.front());
  calls.pop_front();
  bytes -= pending.bytes;
  return pending;
}

absl::Status WriteQueue::CheckRoom(const PendingWrite& pending, Deadline now) {
  const Lane& lane = pending.call.priority == WritePriority::kImport ? import_ : interactive_;
  if (lane.calls.size() >= limits::kWriteQueueMax ||
      interactive_.bytes + import_.bytes + pending.bytes > limits::kWriteQueueBytesMax) {
    ++figures_.refused_full;
    return QueueFull();
  }
  // Whole groups that go first: what a part of one takes is no more than a guess.
  const auto groups = static_cast<int64_t>(
      std::max<uint64_t>(lane.calls.size() / kGroupCallsMax, lane.bytes / kGroupBytesMax));
  const auto wait = group_time_ * groups;
  if (groups == 0 || wait < pending.deadline - now) return absl::OkStatus();
  ++figures_.refused_deadline;
  return TooSlow(wait);
}

void WriteQueue::Push(PendingWrite pending) {
  Lane& lane = pending.call.priority == WritePriority::kImport ? import_ : interactive_;
  lane.bytes += pending.bytes;
  lane.calls.push_back(std::move(pending));
}

void WriteQueue::PutBack(PendingWrite pending) {
  interactive_.bytes += pending.bytes;
  interactive_.calls.push_front(std::move(pending));
}

void WriteQueue::Fill(Lane& lane, Part part, std::vector<PendingWrite>& group, uint64_t& bytes) {
  const uint64_t kept = part == Part::kWhole ? 0 : 1;
  const size_t calls_max = kGroupCallsMax - kGroupCallsMax * kept / kImportShare;
  const uint64_t bytes_max = kGroupBytesMax - kGroupBytesMax * kept / kImportShare;
  while (!lane.calls.empty() && group.size() < calls_max && bytes < bytes_max) {
    bytes += lane.calls.front().bytes;
    group.push_back(lane.Pop());
  }
}

std::vector<PendingWrite> WriteQueue::Take() {
  std::vector<PendingWrite> group;
  uint64_t bytes = 0;
  Fill(interactive_, import_.calls.empty() ? Part::kWhole : Part::kAllButImports, group, bytes);
  Fill(import_, Part::kWhole, group, bytes);
  return group;
}

std::vector<PendingWrite> WriteQueue::TakeAll() {
  std::vector<PendingWrite> all;
  for (Lane* lane : {&interactive_, &import_}) {
    while (!lane->calls.empty()) all.push_back(lane->Pop());
  }
  return all;
}

void WriteQueue::NoteGroup(std::chrono::nanoseconds took) {
  group_time_ = (group_time_ * (kAverageOf - 1) + took) / kAverageOf;
}

WriteQueueFigures WriteQueue::figures() const {
  WriteQueueFigures figures = figures_;
  figures.waiting = interactive_.calls.size() + import_.calls.size();
  return figures;
}

}  // namespace kith::shard
