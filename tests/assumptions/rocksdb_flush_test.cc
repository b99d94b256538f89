// Without a WAL only atomic flush keeps the column families in step over a crash.
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/assumptions/rocksdb_process.h"
#include "tests/support/temporary_directory.h"

namespace kith::storage {
namespace {

// The counter of each family after the crash; empty where it has none.
std::vector<std::string> CountersAfter(test::Scenario scenario) {
  const test::TemporaryDirectory directory;
  EXPECT_TRUE(test::RunAndKill(scenario, directory / "db"));
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  EXPECT_TRUE(rocksdb::DB::Open({}, directory / "db",
                                {{rocksdb::kDefaultColumnFamilyName, {}}, {"large", {}}}, &handles,
                                &db)
                  .ok());
  const std::unique_ptr<rocksdb::DB> closer(db);
  std::vector<std::string> counters(handles.size());
  for (size_t i = 0; i < handles.size(); ++i) {
    db->Get({}, handles[i], "count", &counters[i]).PermitUncheckedError();
    db->DestroyColumnFamilyHandle(handles[i]).PermitUncheckedError();
  }
  return counters;
}

TEST(FlushTest, FamiliesFallOutOfStepWithoutAtomicFlush) {
  const std::vector<std::string> counters = CountersAfter(test::Scenario::kPlainFamilies);
  EXPECT_EQ(counters[0], "") << "the small family was never flushed";
  EXPECT_NE(counters[1], "") << "the large one was";
}

TEST(FlushTest, FamiliesStayInStepWithAtomicFlush) {
  const std::vector<std::string> counters = CountersAfter(test::Scenario::kAtomicFamilies);
  EXPECT_NE(counters[0], "");
  EXPECT_EQ(counters[0], counters[1]);
}

}  // namespace
}  // namespace kith::storage
