// `kith key`, and how the other commands take what it made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include <nlohmann/json.hpp>

#include "cli/client/credentials.h"
#include "common/auth/key_file.h"
#include "common/base/status.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/cli/command_harness.h"

namespace kith::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class KeyCommands : public ::testing::Test {
 protected:
  Ran Key(std::vector<std::string> words) {
    words.insert(words.begin(), "key");
    words.insert(words.end(), {"--file", file_});
    return RunKith(words);
  }

  const test::TemporaryDirectory folder_;
  const std::string file_ = folder_ / "keys";
};

TEST_F(KeyCommands, CreatePrintsTheKeyOnceAndTheFileKnowsIt) {
  const Ran made = Key({"create", "app", "--read", "photos-*", "--write", "inbox", "--expires",
                        "90d", "--requests-per-second", "5", "--vectors-per-second", "700"});
  ASSERT_EQ(made.code, 0) << made.err;
  const std::string text = made.out.substr(0, made.out.size() - 1);
  EXPECT_THAT(made.err, Not(HasSubstr(text)));
  const auto keys = auth::ReadKeyFile(file_);
  ASSERT_TRUE(keys.ok()) << keys.status();
  const auth::KeySet set(*keys);  // `found` points into it
  const auto found = set.Authenticate(text, 0);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ((*found)->scopes, (auth::Scopes{{"photos-*"}, {"inbox"}, {}}));
  EXPECT_EQ((*found)->quota, (auth::Quota{5, 700}));
  EXPECT_TRUE((*found)->expires_unix_ms.has_value());
}

TEST_F(KeyCommands, ListShowsWhatKeysMayDoAndNoHash) {
  ASSERT_EQ(Key({"create", "app", "--read", "a", "--read", "b"}).code, 0);
  const Ran listed = Key({"list"});
  EXPECT_THAT(listed.out, AllOf(HasSubstr("app"), HasSubstr("a,b"), HasSubstr("never")));
  const auto json = nlohmann::json::parse(Key({"list", "--json", "-"}).out);
  ASSERT_EQ(json.size(), 1u);
  EXPECT_EQ(json[0]["read"], (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(json[0].contains("hash"));
}

TEST_F(KeyCommands, RevokeTakesAKeyOut) {
  ASSERT_EQ(Key({"create", "app", "--admin", "*"}).code, 0);
  EXPECT_EQ(Key({"create", "app", "--admin", "*"}).code, 1) << "the id is taken";
  EXPECT_EQ(Key({"revoke", "app"}).code, 0);
  EXPECT_EQ(Key({"revoke", "app"}).code, 1);
  EXPECT_EQ(auth::ReadKeyFile(file_)->size(), 0u);
}

TEST_F(KeyCommands, WhatMakesNoSenseMakesNoKey) {
  EXPECT_EQ(Key({"create", "app"}).code, 2);
  EXPECT_EQ(Key({"create", "a_b", "--read", "*"}).code, 2);
  EXPECT_EQ(Key({"create", "app", "--read", "A"}).code, 2);
  EXPECT_EQ(Key({"create", "app", "--read", "*", "--expires", "soon"}).code, 2);
  EXPECT_EQ(Key({"create", "app", "--read", "*", "--expires", "2001-01-01T00:00:00Z"}).code, 2);
  EXPECT_FALSE(std::filesystem::exists(file_));
}

class FromEnvironment : public KeyCommands {
 protected:
  void TearDown() override {
    for (const auto& [name, value] : set_) unsetenv(name.c_str());
  }
  void Set(const std::string& name, const std::string& value) {
    set_[name] = value;
    setenv(name.c_str(), value.c_str(), 1);
  }
  std::string Write(const std::string& name, const std::string& text, mode_t rights = 0600) {
    const std::string path = folder_ / name;
    std::ofstream(path) << text;
    chmod(path.c_str(), rights);
    return path;
  }
  static std::string ErrorOfReading() {
    const auto read = CredentialsFromEnvironment();
    return read.ok() ? "" : std::string(read.status().message());
  }

  const std::string key_ = "kith_app_" + std::string(64, 'a');
  std::map<std::string, std::string> set_;
};

TEST_F(FromEnvironment, AKeyComesFromAVariableOrAPrivateFile) {
  EXPECT_EQ(CredentialsFromEnvironment()->key, "");
  Set("KITH_API_KEY", key_);
  EXPECT_EQ(CredentialsFromEnvironment()->key, key_);
  Set("KITH_API_KEY_FILE", Write("key", key_ + "\n"));
  EXPECT_THAT(ErrorOfReading(), HasSubstr("set one"));
  Set("KITH_API_KEY", "");
  EXPECT_EQ(CredentialsFromEnvironment()->key, key_);
  Set("KITH_API_KEY_FILE", Write("open", key_, 0644));
  EXPECT_THAT(ErrorOfReading(), HasSubstr("chmod 600"));
  Set("KITH_API_KEY_FILE", Write("other", "secret"));
  EXPECT_THAT(ErrorOfReading(), AllOf(HasSubstr("is no key"), Not(HasSubstr("secret\""))));
}

TEST_F(FromEnvironment, AKeyGoesToAnotherMachineByTlsOrByAWordOnly) {
  Credentials credentials;
  credentials.key = key_;
  for (const char* near : {"127.0.0.1:1", "localhost:1", "[::1]:1", "127.9.9.9:1"}) {
    EXPECT_TRUE(CheckMaySend(credentials, near).ok()) << near;
  }
  for (const char* far : {"10.0.0.1:1", "127.0.0.1.example:1", "localhost.example:1", "[::2]:1"}) {
    EXPECT_FALSE(CheckMaySend(credentials, far).ok()) << far;
  }
  credentials.sends_key_in_clear = true;
  EXPECT_TRUE(CheckMaySend(credentials, "10.0.0.1:1").ok());
  credentials.sends_key_in_clear = false;
  credentials.is_tls = true;
  EXPECT_TRUE(CheckMaySend(credentials, "10.0.0.1:1").ok());
}

TEST_F(FromEnvironment, CertificatesThatMakeNoSenseAreRefused) {
  Set("KITH_TLS_CERTIFICATE_FILE", Write("pem", "x"));
  EXPECT_THAT(ErrorOfReading(), HasSubstr("go together"));
  Set("KITH_TLS_KEY_FILE", Write("key", "x"));
  EXPECT_THAT(ErrorOfReading(), HasSubstr("needs KITH_TLS_CA_FILE"));
  Set("KITH_TLS_CA_FILE", "system");
  EXPECT_EQ(ErrorOfReading(), "");
  Set("KITH_TLS_CA_FILE", folder_ / "none");
  EXPECT_THAT(ErrorOfReading(), HasSubstr("cannot be read"));
}

TEST_F(FromEnvironment, AnEndpointIsNotCalledWithAKeyInTheClear) {
  Set("KITH_API_KEY", key_);
  const Ran ran = RunKith({"status", "--endpoint", "192.0.2.1:7430"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("in the clear"));
}

}  // namespace
}  // namespace kith::cli
