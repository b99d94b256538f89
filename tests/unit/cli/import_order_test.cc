#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <thread>

#include <nlohmann/json.hpp>

#include "cli/import/ack_window.h"
#include "cli/import/file_identity.h"
#include "tests/unit/cli/import_fixture.h"

namespace kith::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

AckWindow::Batch BatchOf(std::vector<PointKey> keys, size_t rejects) {
  AckWindow::Batch batch;
  batch.keys = std::move(keys);
  batch.rejects.resize(rejects);
  return batch;
}

TEST(AckWindow, IsFullOfBadRowsUntilTheCallBeforeThemIsAnswered) {
  AckWindow window;
  const uint64_t first = window.Open(BatchOf({}, 0), AckWindow::Keys::kAreUnique);
  EXPECT_FALSE(window.full());
  const uint64_t second =
      window.Open(BatchOf({}, AckWindow::kRejectsMax), AckWindow::Keys::kAreUnique);
  window.Finish(second, 0, {});
  EXPECT_FALSE(window.TakeFinished().has_value());
  EXPECT_TRUE(window.full());
  window.Finish(first, 1, {});
  EXPECT_TRUE(window.TakeFinished().has_value());
  EXPECT_TRUE(window.TakeFinished().has_value());
  EXPECT_FALSE(window.full());
}

TEST(AckWindow, KnowsAnIdUntilItsCallIsAnsweredWhereIdsMayRepeat) {
  const PointKey key = PointKey::FromNumber(7);
  AckWindow window;
  window.Open(BatchOf({key}, 0), AckWindow::Keys::kAreUnique);
  EXPECT_FALSE(window.IsUnderWay(key));
  const uint64_t ticket = window.Open(BatchOf({key}, 0), AckWindow::Keys::kMayRepeat);
  EXPECT_TRUE(window.IsUnderWay(key));
  window.Finish(ticket, 1, {});
  EXPECT_FALSE(window.IsUnderWay(key)) << "though the batch before it is still open";
}

TEST(FileIdentity, SeesAChangeInALargeFileBetweenWhatItReads) {
  const TestFolder folder;
  const std::string path = folder / "large";
  WriteText(path, "x");
  std::filesystem::resize_file(path, (64 << 20) + 4096 * 1000);
  const auto identity = [&] { return *FileIdentity(*ReadOnlyFile::Open(path)); };
  const Hash128 before = identity();
  EXPECT_EQ(identity(), before);
  std::filesystem::last_write_time(
      path, std::filesystem::last_write_time(path) + std::chrono::seconds(1));
  EXPECT_NE(identity(), before);
}

TEST_F(Import, RefusesToWriteItsRejectsIntoTheFileItselfOrItsProgress) {
  AddCollection(1);
  const std::string text = "{\"id\": 1, \"vector\": [1]}\noops\n";
  WriteText(folder_ / "a.jsonl", text);
  const std::string progress = folder_ / "a.jsonl.kith-progress-c";
  for (const std::string& rejects : {folder_ / "a.jsonl", folder_ / "./a.jsonl", progress}) {
    const Ran ran = Run(folder_ / "a.jsonl", {"--rejects", rejects});
    EXPECT_EQ(ran.code, 2) << rejects;
    EXPECT_THAT(ran.err, HasSubstr("--rejects"));
  }
  EXPECT_EQ(ReadText(folder_ / "a.jsonl"), text);
  EXPECT_EQ(server_.upserts, 0u);
}

TEST_F(Import, LeavesAFileNamedForRejectsAloneWhileThereAreNone) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(4, 3));
  WriteText(folder_ / "precious", "kept");
  ASSERT_EQ(Run(folder_ / "a.fbin", {"--rejects", folder_ / "precious"}).code, 0);
  EXPECT_EQ(ReadText(folder_ / "precious"), "kept");
}

TEST_F(Import, GoesOnOnlyWithTheRejectsFileItBeganWith) {
  AddCollection(3);
  auto rows = CountingRows(40, 3);
  rows[5][0] = std::nanf("");
  WriteFbin(folder_ / "a.fbin", rows);
  WriteText(folder_ / "precious", "more bytes than the rejects had, of no concern to us: kept");
  server_.on_upsert = [&](uint64_t call, const v1::UpsertRequest&) {
    return call == 2 ? RpcErrorOf(ItemError(13, "STORAGE", "bad")) : grpc::Status::OK;
  };
  ASSERT_EQ(Run(folder_ / "a.fbin", {"--batch", "10", "--in-flight", "1"}).code, 1);
  const Ran ran = Run(folder_ / "a.fbin", {"--rejects", folder_ / "precious"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("with --rejects"));
  EXPECT_THAT(ReadText(folder_ / "precious"), HasSubstr("kept"));
}

// One call that the server does not answer, and behind it more bad rows than are kept.
class ImportBehindAHeldCall : public Import {
 protected:
  static constexpr int kBadLines = 100'000;
  void SetUp() override {
    AddCollection(1);
    std::string text = "{\"id\": 1, \"vector\": [1]}\n";
    for (int i = 0; i < kBadLines; ++i) text += "oops\n";
    WriteText(folder_ / "a.jsonl", text);
  }
};

TEST_F(ImportBehindAHeldCall, KeepsABoundedNumberOfBadRowsAndSeesTheAnswer) {
  server_.on_upsert = [&](uint64_t, const v1::UpsertRequest&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return grpc::Status::OK;
  };
  const Ran ran = Run(folder_ / "a.jsonl", {"--batch", "1", "--json", "-"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(nlohmann::json::parse(ran.out)["rejected"], kBadLines);
  EXPECT_EQ(Lines(ReadText(folder_ / "a.jsonl.kith-rejects-c.jsonl")).size(), size_t{kBadLines});
}

TEST_F(ImportBehindAHeldCall, StopsOnCtrlC) {
  server_.on_upsert = [&](uint64_t, const v1::UpsertRequest&) {
    ::kill(::getpid(), SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    return grpc::Status::OK;
  };
  const Ran stopped = Run(folder_ / "a.jsonl", {"--batch", "1"});
  EXPECT_EQ(stopped.code, 1);
  EXPECT_THAT(stopped.err, HasSubstr("interrupted"));
}

TEST_F(Import, StopsOnCtrlCInAFileOfWhichNoRowIsGood) {
  AddCollection(1);
  std::string text;
  for (int i = 0; i < 2'000'000; ++i) text += "oops\n";
  WriteText(folder_ / "a.jsonl", text);
  std::jthread killer([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    ::kill(::getpid(), SIGINT);
  });
  const Ran stopped = Run(folder_ / "a.jsonl", {"--batch", "1"});
  EXPECT_EQ(stopped.code, 1);
  EXPECT_THAT(stopped.err, HasSubstr("interrupted"));
}

TEST_F(Import, LetsTheLastRowOfAnIdWinWhateverIsUnderWay) {
  AddCollection(1);
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text += "{\"id\": 7, \"vector\": [" + std::to_string(i) + "]}\n";
    text += "{\"id\": " + std::to_string(100 + i) + ", \"vector\": [0]}\n";
  }
  WriteText(folder_ / "a.jsonl", text);
  // Earlier calls take longer, so that those behind them would overtake.
  server_.on_upsert = [&](uint64_t call, const v1::UpsertRequest&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(call % 8 == 1 ? 30 : 0));
    return grpc::Status::OK;
  };
  const Ran ran = Run(folder_ / "a.jsonl", {"--batch", "2", "--in-flight", "8"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(First(server_.at("c").rows.at("n7")), 39);
  EXPECT_EQ(server_.at("c").rows.size(), 41u);
}

TEST_F(Import, ImportsTheRowsBeforeABrokenOneAndDoesNotPromiseThatARepeatHelps) {
  AddCollection(3);
  WriteFvecs(folder_ / "a.fvecs", CountingRows(10, 3));
  std::string bytes = ReadText(folder_ / "a.fvecs");
  bytes[7 * 16] = 9;  // the dimension of row 7
  WriteText(folder_ / "a.fvecs", bytes);
  const Ran ran = Run(folder_ / "a.fvecs", {"--batch", "4"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("row 7"), HasSubstr("says dimension 9"),
                             HasSubstr("--restart"), Not(HasSubstr("goes on from there"))));
  EXPECT_EQ(server_.at("c").rows.size(), 7u);
}

TEST_F(Import, RefusesASecondImportOfTheFileWhileOneRuns) {
  AddCollection(3);
  WriteFbin(folder_ / "a.fbin", CountingRows(4, 3));
  Ran second;
  server_.on_upsert = [&](uint64_t, const v1::UpsertRequest&) {
    second = Run(folder_ / "a.fbin");
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run(folder_ / "a.fbin").code, 0);
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.err, HasSubstr("another import"));
  EXPECT_FALSE(Exists(progress() + ".lock"));
}

}  // namespace
}  // namespace kith::cli
