#ifndef KITH_SHARD_WRITE_WRITER_H_
#define KITH_SHARD_WRITE_WRITER_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "common/shard_api/shard_service.h"
#include "shard/parts/copy_parts.h"
#include "shard/parts/row_move.h"
#include "shard/parts/selected_points.h"
#include "shard/replication/replica_set.h"
#include "shard/write/admission.h"
#include "shard/write/applier.h"
#include "shard/write/resolver.h"
#include "shard/write/write_queue.h"

namespace kith::shard {

// The one thread that changes a shard copy. It takes whatever calls wait as one group, so that one
// sync of the log serves them all: admit, log, replicate, apply, acknowledge.
//
// Threads: Submit from any. Stop once, from the owner.
class Writer {
 public:
  struct Options {
    AdmissionLimits admission;
    // Finds what the filter of a write picks, on the writer's thread.
    std::function<absl::StatusOr<SelectedPoints>(const WriteSelection&)> select;
    // Told after each group, on the writer's thread, with the bytes it logged.
    absl::AnyInvocable<void(uint64_t)> on_applied;
  };

  Writer(CopyParts& parts, ReplicaSet& replicas, Options options);
  ~Writer();

  void Submit(WriteCall call, Deadline deadline, Done<WriteReply> done);
  // What upkeep asks of the one thread that may do it, between two groups (RowActions has what they
  // do). They wait for the answer; whatever keeps writes from going on refuses them. Threads: any
  // but the writer's.
  absl::StatusOr<uint64_t> Move(std::span<const RowMove> moves);
  absl::Status DropExtents(std::span<const uint32_t> extents);
  // Writes the records of live rows that are not whole, or not those of the truth, again. Answers
  // how many there were. DATA_LOSS CORRUPTION where the truth lacks one.
  absl::StatusOr<uint64_t> RewriteRows(std::span<const uint32_t> rows);
  // As Applier's.
  absl::Status SetFields(const SetFieldsCall& call);
  absl::Status AddOldRows(const OldRows& old);
  absl::Status FinishField(uint16_t place);
  absl::Status ReleaseField(uint16_t place);
  // Refuses new calls, finishes the queue, joins.
  void Stop();
  // Why this copy takes no more writes, once its disk has failed it.
  absl::Status failure() const;
  // What writes wait for, where they go on by themselves: the state has no room on its disk.
  absl::Status obstacle() const;
  WriteQueueFigures queue() const;

 private:
  using Pending = PendingWrite;
  struct Logged {
    Pending pending;
    ResolvedWrite resolved;
    std::string body;
  };
  struct Group {
    std::vector<Logged> writes;
    std::vector<storage::LogRecord> records;
    uint64_t bytes = 0;
  };

  // Between two groups. Answered exactly once, with the refusal where it did not come to run.
  struct Chore {
    absl::AnyInvocable<absl::Status()> run;
    std::promise<absl::Status> answer;
  };

  absl::Status Refusal(const Pending& pending);
  void Run();
  std::vector<Pending> Take();
  absl::Status Do(absl::AnyInvocable<absl::Status()> chore);
  bool RunChore();
  void RefuseChores(const absl::Status& why);
  void Process(std::vector<Pending> calls);
  Group Admit(std::vector<Pending> calls);
  bool MustWait(const Group& group, const WriteCall& call, const Resolver& resolver) const;
  void PutBack(std::span<Pending> calls);
  absl::StatusOr<ResolvedWrite> AdmitOne(Pending& pending, Resolver& resolver, uint64_t lsn);
  absl::StatusOr<bool> Select(WriteCall& call, uint64_t lsn) const;
  bool AnswerRepeat(Pending& pending);
  absl::Status Log(Group& group);
  absl::Status Apply(Group& group);
  absl::Status Commit();
  bool WaitForDisk(const absl::Status& status);
  void Acknowledge(Group& group);
  absl::StatusOr<uint64_t> RewriteHere(std::span<const uint32_t> rows);
  void Fail(Group& group, const absl::Status& status);
  WriteReply ReplyTo(const Logged& logged) const;

  CopyParts& parts_;
  ReplicaSet& replicas_;
  Options options_;
  Admission admission_;
  Applier applier_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  WriteQueue queue_;  // guarded by mutex_, as all below
  std::deque<Chore> chores_;
  bool stopping_ = false;
  absl::Status failure_;
  absl::Status obstacle_;
  std::thread thread_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_WRITE_WRITER_H_
