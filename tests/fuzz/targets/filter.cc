// Filters off the wire: message to plain filter, to the rows that pass, which are compared with
// what a plain walk over the points says.
#include <cstring>
#include <map>
#include <memory>
#include <set>

#include "common/payload/filter_check.h"
#include "common/rpc/filter_messages.h"
#include "shard/search/filter_rows.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/walked_filter.h"
#include "tests/support/temporary_directory.h"

namespace kith::fuzz {
namespace {

constexpr uint32_t kRows = 150;

// Fields of a point follow from its row: some have none, some a value that others have too.
WalkedPoint PointOf(uint32_t row) {
  WalkedPoint point;
  point.key = PointKey::FromNumber(row);
  if (row % 3 != 0) point.tags.insert(row % 2 == 0 ? "red" : "blue");
  if (row % 5 == 0) point.tags.insert(std::string("a\0b", 3));
  if (row % 4 != 1) point.year = static_cast<int64_t>(row) - 70;
  if (row % 6 != 2) point.price = row % 7 == 0 ? 0.0 : static_cast<double>(row) / 8 - 5;
  if (row % 2 == 1) point.is_new = row % 4 == 1;
  return point;
}

bool IsDead(uint32_t row) { return row % 11 == 10; }

std::vector<shard::Posting> PostingsOf(uint32_t row, const WalkedPoint& point) {
  std::vector<shard::Posting> postings;
  const auto add = [&](uint16_t field, const FieldValue& value) {
    postings.push_back({field, *EncodeAs(kWalkedSchema[field].type, value), row});
  };
  for (const std::string& tag : point.tags) add(0, tag);
  if (point.year.has_value()) add(1, *point.year);
  if (point.price.has_value()) add(2, *point.price);
  if (point.is_new.has_value()) add(3, *point.is_new);
  return postings;
}

// A shard copy as far as a filter sees it: postings in runs of several sizes, the ids in a store.
class FilteredCopy {
 public:
  FilteredCopy() {
    files_ = storage::NewPosixFileSystem();
    storage::StateOptions options;
    options.directory = directory_.path();
    options.files = files_.get();
    auto state = storage::StateStore::Open(options);
    Require(state.ok(), "the store of ids opens");
    parts_.state = *std::move(state);
    const std::unique_ptr<storage::StateBatch> batch = parts_.state->NewBatch();
    auto snapshot = std::make_shared<shard::Snapshot>();
    snapshot->fields =
        std::make_shared<const shard::FieldStates>(shard::FieldStates::Created(kWalkedSchema));
    uint32_t begin = 0;
    for (const uint32_t end : {40u, 41u, 100u, kRows}) {
      snapshot->postings = snapshot->postings.With(Rows(begin, end, *batch), begin, end);
      begin = end;
    }
    batch->PutApplied({1, 1, kRows, kRows});
    Require(parts_.state->Write(*batch).ok(), "the ids are stored");
    snapshot->lsn = 1;
    snapshot->row_end = kRows;
    snapshot->tombstones = index::Tombstones().With(dead_);
    snapshot_ = std::move(snapshot);
  }

  absl::StatusOr<std::shared_ptr<const shard::FilterRows>> Find(const Filter& filter) const {
    std::shared_ptr<const shard::Snapshot> snapshot = snapshot_;
    return shard::FindFilterRows(parts_, filter, snapshot);
  }

 private:
  std::vector<shard::Posting> Rows(uint32_t begin, uint32_t end, storage::StateBatch& batch) {
    std::vector<shard::Posting> postings;
    for (uint32_t row = begin; row < end; ++row) {
      const WalkedPoint point = PointOf(row);
      const auto of_row = PostingsOf(row, point);
      postings.insert(postings.end(), of_row.begin(), of_row.end());
      if (IsDead(row)) dead_.push_back(row);
      if (!IsDead(row)) batch.PutId(SlotOf(point.key), point.key, {row, 1});
    }
    return postings;
  }

  const test::TemporaryDirectory directory_;
  std::unique_ptr<storage::FileSystem> files_;
  shard::CopyParts parts_;
  std::vector<uint32_t> dead_;
  std::shared_ptr<const shard::Snapshot> snapshot_;
};

void Compare(const Filter& filter) {
  static const FilteredCopy copy;
  const auto rows = copy.Find(filter);
  const bool is_good = CheckFilter(filter, kWalkedSchema, "filter").ok();
  Require(rows.ok() == is_good, "a filter that was checked is answered, another is not");
  if (!rows.ok()) return;
  uint64_t count = 0;
  for (uint32_t row = 0; row < kRows; ++row) {
    const bool passes = !IsDead(row) && Passes(filter, PointOf(row));
    const bool is_set = ((*rows)->words()[row >> 6] >> (row & 63) & 1) != 0;
    Require(passes == is_set, "a row passes where its point does");
    count += passes ? 1 : 0;
  }
  Require((*rows)->count() == count, "no row passes that is none");
}

std::string SeedOf(const Filter& filter) {
  v1::Filter message;
  rpc::FilterToProto(filter, &message);
  return message.SerializeAsString();
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const Filter& filter : WalkedFilters()) seeds.push_back(SeedOf(filter));
  return seeds;
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith;
  fuzz::QuietLog();
  v1::Filter message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto filter = rpc::FilterFromProto(message, "filter");
  if (!filter.ok()) return 0;
  fuzz::Compare(*filter);
  v1::Filter again;
  rpc::FilterToProto(*filter, &again);
  if (!CheckFilter(*filter, fuzz::kWalkedSchema, "filter").ok()) return 0;
  const auto filter_again = rpc::FilterFromProto(again, "filter");
  fuzz::Require(filter_again.ok() && FilterBytes(*filter_again) == FilterBytes(*filter),
                "a filter comes back as it was");
  return 0;
}
