#ifndef KITH_SHARD_WRITE_APPLIER_H_
#define KITH_SHARD_WRITE_APPLIER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/parts/copy_parts.h"
#include "shard/parts/old_rows.h"
#include "shard/parts/row_move.h"
#include "shard/write/log_entry.h"
#include "shard/write/resolver.h"

namespace kith::shard {

// Turns resolved entries into truth: one atomic batch of the state database and the row records
// that mirror it, then one new snapshot. Everything that could refuse has refused before: an error
// here is a fault of the machine and stops the copy.
//
// Threads: the writer's (or, at start, the recovery's) only.
class Applier {
 public:
  explicit Applier(CopyParts& parts);

  // Adds one entry to the batch under way.
  absl::Status Add(const ResolvedWrite& resolved, const LogEntry& entry);
  // Writes the batch; nothing is visible before Publish. Where it fails it can be called again.
  absl::Status Commit();
  // Makes everything committed visible to searches.
  void Publish();
  // Between two commits: gives live rows new numbers, in one batch of the state that no log entry
  // stands for, and publishes. The points, their versions and the lsn stay; those that died since
  // they were read are left alone. The rows have room. Answers how many moved; where it fails
  // nothing has changed.
  absl::StatusOr<uint64_t> Move(std::span<const RowMove> moves);

  // Between two commits, too: which payload fields are indexed (applier_fields.cc). Where they fail
  // nothing has changed. As ShardService::SetPayloadFields, but for being durable.
  absl::Status SetFields(const SetFieldsCall& call);
  // Takes rows into the index of a field that is being built; those that died since are left out.
  // Rows of a field that is not, or not these next, are passed over.
  absl::Status AddOldRows(const OldRows& old);
  // The field is built, and that is durable: filters may name it.
  absl::Status FinishField(uint16_t place);
  // Frees some of the memory of a field that was dropped, and the place with the last of it.
  absl::Status ReleaseField(uint16_t place);
  const FieldStates& fields() const { return *fields_; }

  const storage::AppliedState& applied() const { return applied_; }

 private:
  absl::Status Put(const ResolvedOperation& operation, std::string_view vector,
                   std::string_view payload);
  absl::Status BuryPostings(const ResolvedOperation& operation);
  // Adds the row's values to what Publish shows.
  void NotePostings(uint32_t row, std::span<const IndexedValue> values);
  void NoteMisfits(uint32_t row_before, const PointKey& key, const FittingValues& fitting);
  absl::Status Bury(uint64_t lsn, const ResolvedOperation& operation);
  absl::StatusOr<uint64_t> ContentHashOf(const ResolvedOperation& operation) const;
  void Seal();
  void TouchDigest(uint16_t slot);

  CopyParts& parts_;
  storage::AppliedState applied_;
  std::shared_ptr<const FieldStates> fields_;  // with what the batch changes of them
  bool fields_changed_ = false;                // by the batch under way
  std::unique_ptr<storage::StateBatch> batch_;
  std::vector<uint32_t> dead_;     // since the last Publish
  std::vector<Posting> postings_;  // of the rows put since the last Publish
  // The indexed values of rows that only this batch has.
  absl::flat_hash_map<uint32_t, std::vector<IndexedValue>> uncommitted_values_;
  std::vector<uint16_t> touched_;  // slots whose digest changed in this batch
  std::vector<bool> is_touched_;
  bool is_sealed_ = false;  // the batch is complete and waits for the state to take it
};

// The row file's form of a row of the truth. Its inverse norm is 1 / ||v||, or 1 where the metric
// is not cosine.
storage::RowContent ContentOf(const ShardSpec& spec, const storage::RowRecord& record);

}  // namespace kith::shard

#endif  // KITH_SHARD_WRITE_APPLIER_H_
