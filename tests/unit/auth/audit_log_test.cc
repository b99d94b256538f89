#include "common/auth/audit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/file_bytes.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/auth/made_keys.h"

namespace kith::auth {
namespace {

using Json = nlohmann::json;

class AuditLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto log = AuditLog::Open(path_, clock_);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }
  static std::vector<Json> LinesOf(const std::string& path) {
    std::vector<Json> lines;
    std::istringstream text(test::ReadBytes(path));
    for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
    return lines;
  }
  AuditRecord record_ = {.key = "app",
                         .peer = "ipv4:10.0.0.1:4",
                         .method = "kith.v1.Points/Upsert",
                         .collection = "c",
                         .subject = "",
                         .outcome = "PERMISSION_DENIED",
                         .reason = "KEY_READ_ONLY"};
  const test::TemporaryDirectory folder_;
  const std::string path_ = folder_ / "audit";
  HeldClock clock_;
  std::unique_ptr<AuditLog> log_;
};

TEST_F(AuditLogTest, ALineSaysWhoAskedForWhatFromWhereAndWhatCameOfIt) {
  log_->Write(AuditLog::Kind::kDenied, record_);
  log_->Write(AuditLog::Kind::kAdministered, {.key = "boss",
                                              .peer = "ipv4:10.0.0.2:4",
                                              .method = "kith.v1.Backups/DeleteBackup",
                                              .collection = "",
                                              .subject = "nightly",
                                              .outcome = "OK",
                                              .reason = ""});
  const auto lines = LinesOf(path_);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], Json::parse(R"({"time":"2023-11-14T22:13:20.123Z","event":"denied",
      "key":"app","peer":"ipv4:10.0.0.1:4","method":"kith.v1.Points/Upsert","collection":"c",
      "outcome":"PERMISSION_DENIED","reason":"KEY_READ_ONLY"})"));
  EXPECT_EQ(lines[1]["event"], "administered");
  EXPECT_EQ(lines[1]["subject"], "nightly");
  EXPECT_EQ(lines[1]["outcome"], "OK");
  EXPECT_FALSE(lines[1].contains("reason"));
}

TEST_F(AuditLogTest, TextFromOutsideCannotMakeALineOfItsOwn) {
  record_.collection = "c\"}\n{\"event\":\"administered\"}\xff";
  log_->Write(AuditLog::Kind::kDenied, record_);
  const auto lines = LinesOf(path_);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["event"], "denied");
}

TEST_F(AuditLogTest, AFloodOfDeniedCallsIsCountedAndAdministrationIsNeverLeftOut) {
  for (int i = 0; i < 1000; ++i) log_->Write(AuditLog::Kind::kDenied, record_);
  EXPECT_EQ(LinesOf(path_).size(), 100u);
  log_->Write(AuditLog::Kind::kAdministered, record_);
  EXPECT_EQ(LinesOf(path_).back()["denied_left_out_before"], 900);
  clock_.Advance(std::chrono::seconds(1));
  log_->Write(AuditLog::Kind::kDenied, record_);
  EXPECT_EQ(LinesOf(path_).size(), 102u);
  EXPECT_FALSE(LinesOf(path_).back().contains("denied_left_out_before"));
}

TEST_F(AuditLogTest, AFileThatWasMovedAwayIsOpenedAgainAndNothingIsLost) {
  log_->Write(AuditLog::Kind::kDenied, record_);
  std::filesystem::rename(path_, path_ + ".1");
  log_->Write(AuditLog::Kind::kDenied, record_);
  ASSERT_TRUE(log_->Refresh().ok());
  log_->Write(AuditLog::Kind::kDenied, record_);
  EXPECT_EQ(LinesOf(path_ + ".1").size(), 2u);
  EXPECT_EQ(LinesOf(path_).size(), 1u);
}

TEST_F(AuditLogTest, AFileThatCannotBeWrittenIsReported) {
  const auto refused = AuditLog::Open(folder_ / "none/audit", clock_);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  if (!std::filesystem::exists("/dev/full")) return;
  const auto full = AuditLog::Open("/dev/full", clock_);
  ASSERT_TRUE(full.ok()) << full.status();
  (*full)->Write(AuditLog::Kind::kDenied, record_);
  EXPECT_FALSE((*full)->Refresh().ok());
  EXPECT_TRUE((*full)->Refresh().ok()) << "once";
}

}  // namespace
}  // namespace kith::auth
