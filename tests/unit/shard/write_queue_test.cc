#include "shard/write/write_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Deadline kNow{seconds(1000)};

PendingWrite Write(WritePriority priority, milliseconds left = seconds(10), uint64_t bytes = 100) {
  PendingWrite pending;
  pending.call.priority = priority;
  pending.deadline = kNow + left;
  pending.bytes = bytes;
  return pending;
}

void Push(WriteQueue& queue, WritePriority priority, size_t count, uint64_t bytes = 100) {
  for (size_t i = 0; i < count; ++i) queue.Push(Write(priority, seconds(10), bytes));
}

int64_t Imports(const std::vector<PendingWrite>& group) {
  return std::count_if(group.begin(), group.end(), [](const PendingWrite& pending) {
    return pending.call.priority == WritePriority::kImport;
  });
}

TEST(WriteQueueTest, InteractiveWritesGoFirst) {
  WriteQueue queue;
  Push(queue, WritePriority::kImport, 1);
  Push(queue, WritePriority::kInteractive, 2);
  const auto group = queue.Take();
  ASSERT_EQ(group.size(), 3u);
  EXPECT_EQ(group[2].call.priority, WritePriority::kImport);
  EXPECT_TRUE(queue.empty());
}

TEST(WriteQueueTest, ImportsThatWaitHaveAnEighthOfEachGroup) {
  WriteQueue queue;
  Push(queue, WritePriority::kInteractive, 200);
  Push(queue, WritePriority::kImport, 20);
  const auto group = queue.Take();
  EXPECT_EQ(group.size(), WriteQueue::kGroupCallsMax);
  EXPECT_EQ(Imports(group), 8);
}

TEST(WriteQueueTest, LargeInteractiveWritesLeaveImportsRoomToo) {
  WriteQueue queue;
  Push(queue, WritePriority::kInteractive, 40, 1 << 20);
  Push(queue, WritePriority::kImport, 4, 1 << 20);
  EXPECT_EQ(Imports(queue.Take()), 2);
}

TEST(WriteQueueTest, WithoutImportsAGroupIsWhole) {
  WriteQueue queue;
  Push(queue, WritePriority::kInteractive, 200);
  EXPECT_EQ(queue.Take().size(), WriteQueue::kGroupCallsMax);
}

TEST(WriteQueueTest, BothQueuesAreBoundedByCallsAndTogetherByBytes) {
  WriteQueue queue;
  Push(queue, WritePriority::kImport, limits::kWriteQueueMax);
  const absl::Status full = queue.CheckRoom(Write(WritePriority::kImport), kNow);
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(full), reason::kQueueFull);
  EXPECT_TRUE(queue.CheckRoom(Write(WritePriority::kInteractive), kNow).ok());
  const auto large = Write(WritePriority::kInteractive, seconds(10), limits::kWriteQueueBytesMax);
  EXPECT_EQ(ReasonOf(queue.CheckRoom(large, kNow)), reason::kQueueFull);
  EXPECT_EQ(queue.figures().refused_full, 2u);
}

TEST(WriteQueueTest, WhatCannotBeWrittenInTimeIsRefusedWhenItComes) {
  WriteQueue queue;
  for (int i = 0; i < 100; ++i) queue.NoteGroup(milliseconds(80));
  Push(queue, WritePriority::kInteractive, 3 * WriteQueue::kGroupCallsMax);
  EXPECT_TRUE(queue.CheckRoom(Write(WritePriority::kInteractive, milliseconds(300)), kNow).ok());
  const absl::Status refused =
      queue.CheckRoom(Write(WritePriority::kInteractive, milliseconds(200)), kNow);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), reason::kOverloaded);
  EXPECT_TRUE(FactOf(refused, kRetryAfterMsFact).has_value());
  EXPECT_EQ(queue.figures().refused_deadline, 1u);
}

TEST(WriteQueueTest, NothingIsRefusedOnAGuessWhereTheNextGroupHasRoom) {
  WriteQueue queue;
  for (int i = 0; i < 100; ++i) queue.NoteGroup(seconds(2));
  Push(queue, WritePriority::kInteractive, WriteQueue::kGroupCallsMax - 1);
  EXPECT_TRUE(queue.CheckRoom(Write(WritePriority::kInteractive, milliseconds(1)), kNow).ok());
}

TEST(WriteQueueTest, WhatIsPutBackComesNext) {
  WriteQueue queue;
  Push(queue, WritePriority::kInteractive, 2);
  auto group = queue.Take();
  group[0].bytes = 7;
  queue.Push(Write(WritePriority::kInteractive));
  queue.PutBack(std::move(group[0]));
  EXPECT_EQ(queue.Take()[0].bytes, 7u);
}

}  // namespace
}  // namespace kith::shard
