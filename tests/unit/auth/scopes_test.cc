#include "common/auth/scopes.h"

#include <gtest/gtest.h>

namespace kith::auth {
namespace {

TEST(Scopes, AStarStandsForAnyTextAndNothingElseDoes) {
  EXPECT_TRUE(Matches("photos", "photos"));
  EXPECT_FALSE(Matches("photos", "photos2"));
  EXPECT_FALSE(Matches("photos", "photo"));
  EXPECT_TRUE(Matches("*", ""));
  EXPECT_TRUE(Matches("*", "anything"));
  EXPECT_TRUE(Matches("photos-*", "photos-"));
  EXPECT_TRUE(Matches("photos-*", "photos-2026"));
  EXPECT_FALSE(Matches("photos-*", "photos"));
  EXPECT_TRUE(Matches("*-test", "a-test-test"));
  EXPECT_FALSE(Matches("*-test", "a-test-prod"));
  EXPECT_TRUE(Matches("a*b*c", "abbbc"));
  EXPECT_FALSE(Matches("a*b*c", "acb"));
  EXPECT_FALSE(Matches("photo?", "photos"));
  EXPECT_FALSE(Matches("", "a"));
  EXPECT_TRUE(Matches("", ""));
}

TEST(Scopes, APatternOfManyStarsEndsSoon) {
  std::string pattern;
  for (int i = 0; i < 30; ++i) pattern += "*a";
  EXPECT_FALSE(Matches(pattern + "b", std::string(60'000, 'a')));
}

TEST(Scopes, EachRoleHasWhatTheLesserOnesHave) {
  const Scopes scopes = {{"r"}, {"w"}, {"a"}};
  EXPECT_EQ(RoleFor(scopes, "r"), Role::kRead);
  EXPECT_EQ(RoleFor(scopes, "w"), Role::kWrite);
  EXPECT_EQ(RoleFor(scopes, "a"), Role::kAdmin);
  EXPECT_EQ(RoleFor(scopes, "x"), Role::kAnyone);
  EXPECT_EQ(RoleFor({{"c"}, {}, {"c"}}, "c"), Role::kAdmin);
}

TEST(Scopes, AllMeansACollectionThatDoesNotExistYetToo) {
  EXPECT_TRUE(HasForAll({{"*"}, {}, {}}, Role::kRead));
  EXPECT_FALSE(HasForAll({{"*"}, {}, {}}, Role::kWrite));
  EXPECT_TRUE(HasForAll({{}, {}, {"**"}}, Role::kRead));
  EXPECT_FALSE(HasForAll({{}, {}, {"a*"}}, Role::kRead));
  EXPECT_FALSE(HasForAll({{"a", "b"}, {}, {}}, Role::kRead));
}

TEST(Scopes, TheHighestRoleIsOfAnyCollection) {
  EXPECT_EQ(HighestRole({}), Role::kAnyone);
  EXPECT_EQ(HighestRole({{"a"}, {}, {}}), Role::kRead);
  EXPECT_EQ(HighestRole({{"a"}, {"b"}, {}}), Role::kWrite);
  EXPECT_EQ(HighestRole({{}, {}, {"b"}}), Role::kAdmin);
}

TEST(Scopes, APatternIsWhatACollectionMayBeCalledOrAStar) {
  EXPECT_TRUE(IsPattern("*"));
  EXPECT_TRUE(IsPattern("a-b_9*"));
  EXPECT_FALSE(IsPattern(""));
  EXPECT_FALSE(IsPattern("A"));
  EXPECT_FALSE(IsPattern("a b"));
  EXPECT_FALSE(IsPattern(std::string(64, 'a')));
}

}  // namespace
}  // namespace kith::auth
