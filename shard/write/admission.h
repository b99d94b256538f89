#ifndef KITH_SHARD_WRITE_ADMISSION_H_
#define KITH_SHARD_WRITE_ADMISSION_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

struct AdmissionLimits {
  uint64_t disk_reserve_bytes = 512 << 20;     // less free space than this refuses writes
  uint64_t log_bytes_max = uint64_t{4} << 30;  // so does a longer log of the node
};

// Everything that may refuse a write, asked before the log sees it. Threads: CheckCall from any,
// and again from the writer where the fields have changed since; CheckRoom from the writer.
class Admission {
 public:
  Admission(CopyParts& parts, const AdmissionLimits& limits);

  // The call's shape: sizes that agree, slots of this shard, the right epoch; payloads, a change of
  // payloads and a filter that can be read.
  absl::Status CheckCall(const WriteCall& call) const;
  // Room for `rows` more rows after `next_row`: row numbers, the unindexed tail, the log, the disk
  // (the row file's space is taken here, the log's and the state's is kept in reserve). Deletes
  // alone (no rows) need an eighth of the reserve.
  absl::Status CheckRoom(uint32_t next_row, uint64_t rows);
  // Room for rows that are moved: it is they that make room, so an eighth of the reserve is theirs.
  absl::Status CheckMove(uint32_t next_row, uint64_t rows);
  // Room for what rows that are there say in a new field: a write's, for it can wait.
  absl::Status CheckOldRows() { return CheckSpace(limits_.disk_reserve_bytes); }

 private:
  bool OperationsFit(const WriteCall& call) const;
  static bool SelectionFits(const WriteCall& call);
  absl::Status CheckKeys(const WriteCall& call) const;
  absl::Status CheckChange(const WriteCall& call) const;
  absl::Status CheckPayloads(const WriteCall& call) const;
  absl::Status CheckTail() const;
  absl::Status CheckSpace(uint64_t disk_needed_bytes);

  CopyParts& parts_;
  const AdmissionLimits limits_;
  std::vector<bool> owned_slots_;
  Deadline next_space_check_{};
  absl::StatusOr<uint64_t> free_bytes_{0};  // this and the next as of the last check
  uint64_t log_bytes_ = 0;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_WRITE_ADMISSION_H_
