#include "shard/search/filter_rows.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/filter_check.h"

namespace kith::shard {
namespace {

using Kind = Filter::Kind;

constexpr int kLookups = 100;
constexpr auto kLookupPause = std::chrono::microseconds(200);

void CollectIds(const Filter& filter, std::vector<PointKey>& keys) {
  for (size_t at = 0; at < filter.keys.size(); at += PointKey::kSize) {
    keys.push_back(PointKey::FromBytes(filter.keys.data() + at));
  }
  for (const Filter& part : filter.parts) CollectIds(part, keys);
}

using RowsOfIds = absl::flat_hash_map<std::string, uint32_t>;

// What the truth answers is as of the snapshot where nothing was written since it was published.
absl::StatusOr<RowsOfIds> LookUpIds(const CopyParts& parts, const Filter& filter,
                                    std::shared_ptr<const Snapshot>& snapshot) {
  RowsOfIds rows;
  std::vector<PointKey> keys;
  CollectIds(filter, keys);
  if (keys.empty()) return rows;
  for (int attempt = 0; attempt < kLookups; ++attempt) {
    std::vector<std::optional<storage::IdEntry>> entries;
    KITH_RETURN_IF_ERROR(parts.state->FindIds(keys, entries));
    KITH_ASSIGN_OR_RETURN(const storage::AppliedState applied, parts.state->ReadApplied());
    if (applied.applied_lsn == snapshot->lsn && applied.next_row == snapshot->row_end) {
      for (size_t i = 0; i < keys.size(); ++i) {
        if (entries[i].has_value()) rows[std::string(keys[i].view())] = entries[i]->row;
      }
      return rows;
    }
    std::this_thread::sleep_for(kLookupPause);
    snapshot = parts.snapshots.Pin();
  }
  return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
               "writes kept coming while the filter's ids were looked up; try again",
               {{kRetryAfterMsFact, "50"}});
}

// Evaluates a checked filter, rows of dead points included.
class Evaluation {
 public:
  Evaluation(const Snapshot& snapshot, const PayloadSchema& schema, const RowsOfIds& ids)
      : snapshot_(snapshot), schema_(schema), ids_(ids) {}

  RowWords Rows(const Filter& filter) const {
    RowWords words((uint64_t{snapshot_.row_end} + 63) / 64);
    switch (filter.kind) {
      case Kind::kAllOf:
        return All(filter.parts);
      case Kind::kAnyOf:
        return Any(filter.parts);
      case Kind::kNoneOf:
        words = Any(filter.parts);
        for (uint64_t& word : words) word = ~word;
        return words;
      case Kind::kMatch:
        AddMatches(filter, words);
        return words;
      case Kind::kRange:
        AddRange(filter, words);
        return words;
      case Kind::kExists:
        for (const auto& run : snapshot_.postings.runs()) {
          run->AddRowsWith(*FindField(schema_, filter.field), words);
        }
        return words;
      case Kind::kHasId:
        AddIds(filter.keys, words);
        return words;
    }
    return words;
  }

 private:
  RowWords All(const std::vector<Filter>& parts) const {
    RowWords all = Rows(parts.front());
    for (size_t i = 1; i < parts.size(); ++i) {
      const RowWords one = Rows(parts[i]);
      for (size_t word = 0; word < all.size(); ++word) all[word] &= one[word];
    }
    return all;
  }

  RowWords Any(const std::vector<Filter>& parts) const {
    RowWords any = Rows(parts.front());
    for (size_t i = 1; i < parts.size(); ++i) {
      const RowWords one = Rows(parts[i]);
      for (size_t word = 0; word < any.size(); ++word) any[word] |= one[word];
    }
    return any;
  }

  void AddMatches(const Filter& filter, RowWords& words) const {
    const uint16_t field = *FindField(schema_, filter.field);
    for (const FieldValue& value : filter.values) {
      const std::optional<std::string> encoded = EncodeAs(schema_[field].type, value);
      for (const auto& run : snapshot_.postings.runs()) run->AddRowsOf(field, *encoded, words);
    }
  }

  void AddRange(const Filter& filter, RowWords& words) const {
    const uint16_t field = *FindField(schema_, filter.field);
    const FieldType type = schema_[field].type;
    ValueRange range;
    std::string low;
    std::string high;
    if (filter.low.has_value()) {
      low = *EncodeAs(type, filter.low->value);
      range.low = {low, filter.low->is_inclusive};
    }
    if (filter.high.has_value()) {
      high = *EncodeAs(type, filter.high->value);
      range.high = {high, filter.high->is_inclusive};
    }
    for (const auto& run : snapshot_.postings.runs()) run->AddRowsIn(field, range, words);
  }

  void AddIds(const std::string& keys, RowWords& words) const {
    for (size_t at = 0; at < keys.size(); at += PointKey::kSize) {
      const auto found = ids_.find(keys.substr(at, PointKey::kSize));
      if (found == ids_.end() || found->second >= snapshot_.row_end) continue;
      words[found->second >> 6] |= uint64_t{1} << (found->second & 63);
    }
  }

  const Snapshot& snapshot_;
  const PayloadSchema& schema_;
  const RowsOfIds& ids_;
};

void ClearDead(const Snapshot& snapshot, RowWords& words) {
  constexpr size_t kPageWords = index::Tombstones::kPageWords;
  for (uint32_t page = 0; page < snapshot.tombstones.page_count(); ++page) {
    const size_t first = size_t{page} * kPageWords;
    if (first >= words.size()) break;
    const index::Tombstones::PageWords* const dead = snapshot.tombstones.page(page);
    if (dead == nullptr) continue;
    const size_t count = std::min(kPageWords, words.size() - first);
    for (size_t i = 0; i < count; ++i) words[first + i] &= ~(*dead)[i];
  }
  const uint32_t last_bits = snapshot.row_end & 63;
  if (last_bits != 0) words.back() &= (uint64_t{1} << last_bits) - 1;
}

}  // namespace

FilterRows::FilterRows(RowWords words) : words_(std::move(words)) {
  for (const uint64_t word : words_) count_ += static_cast<uint64_t>(std::popcount(word));
}

std::shared_ptr<const index::AllowedLists> FilterRows::ListsOf(const BuiltIndex& index) const {
  std::lock_guard lock(mutex_);
  if (lists_ == nullptr || !lists_->IsOf(index.segments)) {
    lists_ =
        std::make_shared<const index::AllowedLists>(words_, index.segments, index.version->lists());
  }
  return lists_;
}

uint64_t FilterRows::memory_bytes() const {
  std::lock_guard lock(mutex_);
  return words_.size() * sizeof(uint64_t) + (lists_ == nullptr ? 0 : lists_->memory_bytes());
}

absl::StatusOr<std::shared_ptr<const FilterRows>> FindFilterRows(
    const CopyParts& parts, const Filter& filter, std::shared_ptr<const Snapshot>& snapshot) {
  KITH_RETURN_IF_ERROR(CheckFilter(filter, snapshot->fields->schema, "filter"));
  KITH_ASSIGN_OR_RETURN(const RowsOfIds ids, LookUpIds(parts, filter, snapshot));
  const PayloadSchema& schema = snapshot->fields->schema;  // of a newer one, perhaps
  KITH_RETURN_IF_ERROR(CheckFilter(filter, schema, "filter"));
  RowWords words = Evaluation(*snapshot, schema, ids).Rows(filter);
  ClearDead(*snapshot, words);
  return std::make_shared<const FilterRows>(std::move(words));
}

std::shared_ptr<const FilterRows> LiveRows(const Snapshot& snapshot) {
  RowWords words((uint64_t{snapshot.row_end} + 63) / 64, ~uint64_t{0});
  ClearDead(snapshot, words);
  return std::make_shared<const FilterRows>(std::move(words));
}

}  // namespace kith::shard
