#include "common/auth/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/auth/private_file.h"
#include "common/base/status.h"
#include "tests/support/file_bytes.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/auth/made_keys.h"

namespace kith::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kLine = R"({"id":"a","salt":"00112233445566778899aabbccddeeff","hash":")" +
                          std::string(64, '0') + R"(","read":["c"]})";

std::string ErrorOf(const std::string& text) {
  const auto keys = ParseKeys(text);
  EXPECT_FALSE(keys.ok()) << text;
  return std::string(keys.status().message());
}

// The line with `what` replaced.
std::string With(const std::string& what, const std::string& by) {
  std::string line = kLine;
  line.replace(line.find(what), what.size(), by);
  return line;
}

TEST(KeyFile, WhatIsWrittenReadsBackTheSame) {
  MadeKey full = MakeKey("ci-import.2", {{"a", "b*"}, {"c"}, {"*"}});
  full.key.expires_unix_ms = 1'800'000'000'000;
  full.key.quota = {100, 1'000'000};
  const MadeKey plain = MakeKey("plain", {{"*"}, {}, {}});
  const auto keys = ParseKeys(KeyLine(full.key) + KeyLine(plain.key));
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(*keys, (std::vector<AccessKey>{full.key, plain.key}));
}

TEST(KeyFile, EmptyLinesAndCommentsAreSkippedAndLinesStillCount) {
  EXPECT_EQ(ParseKeys("")->size(), 0u);
  EXPECT_EQ(ParseKeys("# keys\n\n  # more\n" + kLine + "\r\n\n")->size(), 1u);
  EXPECT_THAT(ErrorOf("# keys\n\n" + kLine + "\n{}\n"), HasSubstr("line 4"));
}

TEST(KeyFile, AWrongLineIsNamedWithWhatIsWrong) {
  EXPECT_THAT(ErrorOf("nonsense"), AllOf(HasSubstr("line 1"), HasSubstr("no JSON object")));
  EXPECT_THAT(ErrorOf("[1]"), HasSubstr("no JSON object"));
  EXPECT_THAT(ErrorOf(kLine + kLine), HasSubstr("no JSON object"));
  EXPECT_THAT(ErrorOf(kLine + "\n" + kLine), AllOf(HasSubstr("line 2"), HasSubstr("twice")));
  EXPECT_THAT(ErrorOf(With("\"read\"", "\"reed\"")), HasSubstr("\"reed\" is unknown"));
  EXPECT_THAT(ErrorOf(With("\"read\":[\"c\"]", "\"read\":[]")), HasSubstr("no collection"));
  EXPECT_THAT(ErrorOf(With("[\"c\"]", "\"c\"")), HasSubstr("\"read\" is no list"));
  EXPECT_THAT(ErrorOf(With("[\"c\"]", "[\"C\"]")), HasSubstr("\"read\" has an entry"));
  EXPECT_THAT(ErrorOf(With("[\"c\"]", "[1]")), HasSubstr("\"read\" has an entry"));
  EXPECT_THAT(ErrorOf(With("\"id\":\"a\"", "\"id\":\"a_b\"")), HasSubstr("\"id\" is not"));
  EXPECT_THAT(ErrorOf(With("\"id\":\"a\",", "")), HasSubstr("has no \"id\""));
  EXPECT_THAT(ErrorOf(With("0011", "00")), HasSubstr("\"salt\" is not 16 bytes"));
  EXPECT_THAT(ErrorOf(With("0011", "00xx")), HasSubstr("\"salt\" is not 16 bytes"));
  EXPECT_THAT(ErrorOf(With("\"read\"", "\"expires\":\"2027-02-30T00:00:00Z\",\"read\"")),
              HasSubstr("\"expires\" is no time"));
  EXPECT_THAT(ErrorOf(With("\"read\"", "\"expires\":\"soon\",\"read\"")), HasSubstr("no time"));
  EXPECT_THAT(ErrorOf(With("\"read\"", "\"requests_per_second\":-1,\"read\"")),
              HasSubstr("\"requests_per_second\" is no whole number"));
  EXPECT_THAT(ErrorOf(With("\"read\"", "\"vectors_per_second\":1e30,\"read\"")),
              HasSubstr("\"vectors_per_second\" is no whole number"));
}

TEST(KeyFile, ATimeIsReadAsItIsWritten) {
  EXPECT_EQ(FormatUnixMs(1'700'000'000'999), "2023-11-14T22:13:20Z");
  EXPECT_EQ(ParseUnixMs("2023-11-14T22:13:20Z"), 1'700'000'000'000u);
  for (const char* text :
       {"2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20+01:00", "2023-02-29T00:00:00Z",
        "2023-11-14T22:13:20Z ", "1960-01-01T00:00:00Z"}) {
    EXPECT_FALSE(ParseUnixMs(text).has_value()) << text;
  }
}

TEST(KeyFile, KeysAreAddedToAFileOfTheOwnersAloneAndTakenOut) {
  const test::TemporaryDirectory folder;
  const std::string path = folder / "keys";
  const MadeKey one = MakeKey("one", {{"*"}, {}, {}});
  const MadeKey two = MakeKey("two", {{"*"}, {}, {}});
  ASSERT_TRUE(AddToKeyFile(path, one.key).ok());
  struct stat found {};
  ASSERT_EQ(stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  WriteFile(path, "# mine\n" + test::ReadBytes(path), 0640);
  ASSERT_TRUE(AddToKeyFile(path, two.key).ok());
  EXPECT_EQ(AddToKeyFile(path, two.key).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReadKeyFile(path)->size(), 2u);
  ASSERT_TRUE(RemoveFromKeyFile(path, "one").ok());
  EXPECT_EQ(RemoveFromKeyFile(path, "one").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(test::ReadBytes(path), "# mine\n" + KeyLine(two.key));
  ASSERT_EQ(stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0640u);
  EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
}

TEST(KeyFile, AFileThatIsWrongIsNotChanged) {
  const test::TemporaryDirectory folder;
  const std::string path = folder / "keys";
  WriteFile(path, "nonsense\n");
  EXPECT_FALSE(AddToKeyFile(path, MakeKey("one", {{"*"}, {}, {}}).key).ok());
  EXPECT_EQ(test::ReadBytes(path), "nonsense\n");
}

class PrivateFile : public ::testing::Test {
 protected:
  std::string ErrorWith(mode_t rights) {
    WriteFile(path_, kLine, rights);
    return std::string(ReadKeyFile(path_).status().message());
  }

  const test::TemporaryDirectory folder_;
  const std::string path_ = folder_ / "keys";
};

TEST_F(PrivateFile, WhatOthersCouldReadOrItsGroupWriteIsRefusedWithTheRemedy) {
  for (const mode_t rights : {0644, 0604, 0602, 0620, 0660, 0666, 0601}) {
    EXPECT_THAT(ErrorWith(rights), AllOf(HasSubstr("rights"), HasSubstr("chmod 600 " + path_)))
        << std::oct << rights;
  }
  for (const mode_t rights : {0600, 0400, 0640, 0440}) {
    EXPECT_EQ(ErrorWith(rights), "") << std::oct << rights;
  }
}

TEST_F(PrivateFile, WhatIsMissingOrNoFileIsNamed) {
  EXPECT_THAT(std::string(ReadPrivateFile(path_).status().message()),
              AllOf(HasSubstr(path_), HasSubstr("No such file")));
  EXPECT_THAT(std::string(ReadPrivateFile(folder_.path()).status().message()),
              HasSubstr("is not a file"));
}

TEST_F(PrivateFile, AFileOfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  WriteFile(path_, kLine);
  ASSERT_EQ(chown(path_.c_str(), 12345, 12345), 0);
  EXPECT_THAT(std::string(ReadPrivateFile(path_).status().message()),
              HasSubstr("belongs to user 12345"));
}

TEST_F(PrivateFile, TheMarkChangesWithTextRightsAndReplacement) {
  EXPECT_EQ(MarkOf(path_), FileMark{});
  WriteFile(path_, "a");
  const FileMark first = MarkOf(path_);
  EXPECT_EQ(MarkOf(path_), first);
  std::filesystem::rename(path_, path_ + ".old");
  WriteFile(path_, "a");
  EXPECT_NE(MarkOf(path_), first);
}

}  // namespace
}  // namespace kith::auth
