#include "common/auth/access_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/auth/key_file.h"
#include "common/auth/reasons.h"
#include "common/base/status.h"
#include "tests/unit/auth/made_keys.h"

namespace kith::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kNow = 1'700'000'000'000;

TEST(AccessKey, ASecretIsKnownByItsHashAndNoOtherIs) {
  const MadeKey made = MakeKey("app", {{"*"}, {}, {}});
  const auto presented = ParsePresentedKey(made.text);
  ASSERT_TRUE(presented.has_value());
  EXPECT_EQ(presented->id, "app");
  EXPECT_EQ(presented->secret.size(), 64u);
  EXPECT_TRUE(HasSecret(made.key, presented->secret));
  std::string other(presented->secret);
  other.back() = other.back() == '0' ? '1' : '0';
  EXPECT_FALSE(HasSecret(made.key, other));
  EXPECT_FALSE(HasSecret(made.key, ""));
}

TEST(AccessKey, WhatIsKeptDoesNotHoldTheSecret) {
  const MadeKey made = MakeKey("app", {{"*"}, {}, {}});
  const std::string secret(ParsePresentedKey(made.text)->secret);
  EXPECT_THAT(KeyLine(made.key), Not(HasSubstr(secret)));
  EXPECT_THAT(KeyLine(made.key), Not(HasSubstr(secret.substr(0, 16))));
}

TEST(AccessKey, EachKeyHasAnotherSecretAndAnotherSalt) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const MadeKey made = MakeKey("app", {{"*"}, {}, {}});
    EXPECT_TRUE(seen.insert(made.text).second);
    EXPECT_TRUE(seen.insert(made.key.salt).second);
  }
}

// SHA-256 of sixteen zero bytes and sixty-four 'a's, by sha256sum: what is on disk must stay good.
TEST(AccessKey, TheHashIsSha256OfSaltAndSecret) {
  AccessKey key;
  key.salt = std::string(16, '\0');
  key.hash = *FromHex("9a4f700c0289c43ce1412c3793169a57bb2c8796afa7d8f600a9ca0d3825294e");
  EXPECT_TRUE(HasSecret(key, std::string(64, 'a')));
}

TEST(AccessKey, WhatIsNoKeyIsNotTakenForOne) {
  const std::string secret(64, 'a');
  EXPECT_TRUE(ParsePresentedKey("kith_a_" + secret).has_value());
  for (const std::string& text :
       {std::string(), std::string("kith_"), "kith_a_" + secret + "a", std::string("kith_a_"),
        "kith__" + secret, "kith_A_" + secret, "a_" + secret, "KITH_a_" + secret, "kith_a" + secret,
        std::string("kith_\0_", 7) + secret}) {
    EXPECT_FALSE(ParsePresentedKey(text).has_value()) << text;
  }
}

TEST(KeySetTest, AKeyIsFoundByItsText) {
  const MadeKey one = MakeKey("one", {{"a"}, {}, {}});
  const MadeKey two = MakeKey("two", {{"b"}, {}, {}});
  const KeySet keys({one.key, two.key});
  const auto found = keys.Authenticate(two.text, kNow);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ((*found)->id, "two");
}

TEST(KeySetTest, AnUnknownIdAWrongSecretAndNonsenseGetTheSameAnswer) {
  const MadeKey one = MakeKey("one", {{"a"}, {}, {}});
  const MadeKey stranger = MakeKey("stranger", {{"a"}, {}, {}});
  const KeySet keys({one.key});
  const std::string mixed = "kith_one_" + std::string(ParsePresentedKey(stranger.text)->secret);
  std::set<std::string> messages;
  for (const std::string& text : {stranger.text, mixed, std::string("nonsense"), std::string()}) {
    const absl::Status refused = keys.Authenticate(text, kNow).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(ReasonOf(refused), reason::kBadKey);
    messages.insert(std::string(refused.message()));
  }
  EXPECT_EQ(messages.size(), 1u);
}

TEST(KeySetTest, AKeyIsGoodUntilItsTimeAndNotAtIt) {
  MadeKey made = MakeKey("one", {{"a"}, {}, {}});
  made.key.expires_unix_ms = kNow;
  const KeySet keys({made.key});
  EXPECT_TRUE(keys.Authenticate(made.text, kNow - 1).ok());
  const absl::Status expired = keys.Authenticate(made.text, kNow).status();
  EXPECT_EQ(expired.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(expired), reason::kKeyExpired);
  // Whoever does not know the secret does not learn that there was such a key.
  EXPECT_EQ(ReasonOf(keys.Authenticate("kith_one_" + std::string(64, 'a'), kNow).status()),
            reason::kBadKey);
}

}  // namespace
}  // namespace kith::auth
