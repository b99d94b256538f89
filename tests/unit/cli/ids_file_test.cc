#include "cli/data/ids_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/export/ids_writer.h"
#include "common/base/ids.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/unit/cli/import_fixture.h"

namespace kith::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

std::vector<PointKey> ReadAll(const std::string& path) {
  const auto ids = IdsFile::Open(path);
  EXPECT_TRUE(ids.ok()) << ids.status();
  std::vector<PointKey> keys;
  if (ids.ok()) {
    EXPECT_TRUE(ids->Read(0, ids->rows(), keys).ok());
  }
  return keys;
}

void WriteIds(const std::string& path, const std::vector<PointKey>& keys) {
  const std::string before = Exists(path) ? ReadText(path) : "";
  auto writer = IdsWriter::Create(path);
  ASSERT_TRUE(writer.ok()) << writer.status();
  for (const PointKey& key : keys) ASSERT_TRUE(writer->Append(key).ok());
  ASSERT_TRUE(writer->Finish().ok());
  EXPECT_EQ(Exists(path) ? ReadText(path) : "", before) << "not before Commit";
  ASSERT_TRUE(writer->Commit().ok());
}

TEST(IdsFile, WritesNumbersAsNumpysUint64AndReadsThemBack) {
  const TestFolder folder;
  std::vector<PointKey> keys = {PointKey::FromNumber(~uint64_t{0})};
  for (uint64_t n = 0; n < 10'000; ++n) keys.push_back(PointKey::FromNumber(n * n));
  WriteIds(folder / "ids.npy", keys);
  EXPECT_THAT(ReadText(folder / "ids.npy"), HasSubstr("'descr': '<u8'"));
  EXPECT_EQ(ReadText(folder / "ids.npy").size(), 128 + 8 * keys.size());
  EXPECT_THAT(ReadAll(folder / "ids.npy"), ElementsAreArray(keys));
  EXPECT_FALSE(Exists(folder / "ids.npy.spool"));
}

TEST(IdsFile, WritesTextWhereThereIsAUuidAmongThemWhereverItStands) {
  const TestFolder folder;
  const PointKey uuid = PointKey::FromUuid("0123456789abcdef");
  const std::vector<PointKey> keys = {PointKey::FromNumber(7), uuid,
                                      PointKey::FromNumber(~uint64_t{0})};
  WriteIds(folder / "ids.npy", keys);
  EXPECT_THAT(ReadText(folder / "ids.npy"),
              AllOf(HasSubstr("'descr': '|S36'"), HasSubstr(PointKeyToString(uuid))));
  EXPECT_THAT(ReadAll(folder / "ids.npy"), ElementsAreArray(keys));
}

TEST(IdsFile, RefusesWhatHoldsNoIdsAndNamesTheRowThatHasNone) {
  const TestFolder folder;
  const auto message_of = [&](const std::string& content) {
    WriteText(folder / "ids.npy", content);
    const auto ids = IdsFile::Open(folder / "ids.npy");
    std::vector<PointKey> keys;
    const absl::Status status = ids.ok() ? ids->Read(0, ids->rows(), keys) : ids.status();
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  };
  EXPECT_THAT(message_of(NpyArray("<f8", "(1,)", "12345678")), HasSubstr("no ids"));
  EXPECT_THAT(message_of(NpyArray("|S99", "(1,)", std::string(99, '1'))), HasSubstr("no ids"));
  EXPECT_THAT(message_of(NpyArray("|S", "(1,)", "1")), HasSubstr("no ids"));
  EXPECT_THAT(message_of(NpyArray("<u8", "(1, 1)", "12345678")), HasSubstr("one dimension"));
  EXPECT_THAT(message_of(NpyArray("<u8", "(2,)", "12345678")), HasSubstr("cut off"));
  EXPECT_THAT(message_of(NpyArray("<u8", "(1,)", "123456789")), HasSubstr("too long"));
  EXPECT_THAT(message_of(NpyArray("<i8", "(2,)", BytesOf<int64_t>({5, -5}))),
              AllOf(HasSubstr("row 1"), HasSubstr("-5 is negative")));
  EXPECT_THAT(message_of(NpyArray("|S3", "(2,)", std::string("12\0abc", 6))), HasSubstr("row 1"));
}

TEST_F(Import, GivesRowsTheIdsOfAnotherFile) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(3, 3));
  const PointKey uuid = PointKey::FromUuid("0123456789abcdef");
  WriteIds(folder_ / "ids.npy", {PointKey::FromNumber(70), uuid, PointKey::FromNumber(5)});
  const Ran ran = Run(folder_ / "a.fbin", {"--ids", folder_ / "ids.npy", "--batch", "2"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  ASSERT_EQ(server_.at("c").rows.size(), 3u);
  EXPECT_EQ(First(server_.at("c").rows.at("n70")), 0);
  EXPECT_EQ(First(server_.at("c").rows.at("u0123456789abcdef")), 1);
  EXPECT_EQ(First(server_.at("c").rows.at("n5")), 2);
}

TEST_F(Import, RefusesIdsThatDoNotBelongToTheFile) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(3, 3));
  WriteIds(folder_ / "ids.npy", {PointKey::FromNumber(70)});
  EXPECT_THAT(Run(folder_ / "a.fbin", {"--ids", folder_ / "ids.npy"}).err,
              HasSubstr("1 ids for 3 vectors"));
  const Ran both = Run(folder_ / "a.fbin", {"--ids", folder_ / "ids.npy", "--first-id", "9"});
  EXPECT_EQ(both.code, 2);
  WriteText(folder_ / "a.jsonl", "{\"id\": 1, \"vector\": [1, 2, 3]}\n");
  EXPECT_EQ(Run(folder_ / "a.jsonl", {"--ids", folder_ / "ids.npy"}).code, 2);
  EXPECT_TRUE(server_.at("c").rows.empty());
}

// Going on with other ids would leave half of the rows under the old ones.
TEST_F(Import, GoesOnOnlyWithTheIdsThatItBeganWith) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(4, 3));
  const auto ids = [](uint64_t first) {
    std::vector<PointKey> keys;
    for (uint64_t i = 0; i < 4; ++i) keys.push_back(PointKey::FromNumber(first + i));
    return keys;
  };
  WriteIds(folder_ / "ids.npy", ids(10));
  const std::vector<std::string> words = {"--ids", folder_ / "ids.npy", "--batch",
                                          "2",     "--in-flight",       "1"};
  server_.on_upsert = [](uint64_t call, const v1::UpsertRequest&) {
    return call == 2 ? RpcErrorOf(ItemError(8, "DISK_FULL", "full")) : grpc::Status::OK;
  };
  ASSERT_EQ(Run(folder_ / "a.fbin", words).code, 1);
  WriteIds(folder_ / "ids.npy", ids(20));
  EXPECT_THAT(Run(folder_ / "a.fbin", words).err, HasSubstr("file of its ids was changed"));
  WriteIds(folder_ / "ids.npy", ids(10));
  EXPECT_EQ(Run(folder_ / "a.fbin", words).code, 0);
  EXPECT_EQ(server_.at("c").rows.size(), 4u);
}

}  // namespace
}  // namespace kith::cli
