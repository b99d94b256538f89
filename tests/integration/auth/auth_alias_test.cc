// An alias is one more name of a collection: no way around a key's scopes, and none to lose by.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/auth/reasons.h"
#include "common/base/reasons.h"
#include "tests/integration/auth/auth_fixture.h"

namespace kith {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class AuthAliases : public AuthServer {
 protected:
  void SetUp() override {
    AuthServer::SetUp();
    Add("of team", {{}, {}, {"team-*"}});
    role_->RefreshEntrance();
    Create("c");
    Create("other");
    Create("team-a");
    ASSERT_TRUE(SetAlias("of all", "alias", "c").ok());
    ASSERT_TRUE(SetAlias("of all", "team-alias", "c").ok());
  }
  absl::Status Count(const std::string& key, const std::string& name) {
    v1::CountPointsRequest request;
    request.set_collection(name);
    return Call("kith.v1.Points/CountPoints", request, With(key));
  }
  absl::Status DeleteAlias(const std::string& key, const std::string& alias) {
    v1::DeleteAliasRequest request;
    request.set_alias(alias);
    return Call("kith.v1.Collections/DeleteAlias", request, With(key));
  }
  std::vector<std::string> Listed(const std::string& key) {
    v1::ListAliasesResponse response;
    const absl::Status status =
        Call("kith.v1.Collections/ListAliases", v1::ListAliasesRequest(), With(key), &response);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<std::string> names;
    for (const v1::Alias& one : response.aliases()) names.push_back(one.alias());
    return names;
  }
};

TEST_F(AuthAliases, AKeyMayThroughAnAliasWhatItMayWithItsCollection) {
  EXPECT_TRUE(Count("read", "alias").ok());
  v1::UpsertRequest upsert = Points(1);
  upsert.set_collection("alias");
  EXPECT_TRUE(Call("kith.v1.Points/Upsert", upsert, With("write")).ok());
  EXPECT_EQ(ReasonOf(Call("kith.v1.Points/Upsert", upsert, With("read"))), reason::kKeyReadOnly);
  EXPECT_EQ(ReasonOf(Count("of another collection", "alias")), reason::kCollectionForbidden);
}

TEST_F(AuthAliases, AnAliasWithinTheScopesOpensNoCollectionOutside) {
  EXPECT_TRUE(Count("of team", "team-a").ok());
  EXPECT_EQ(ReasonOf(Count("of team", "team-alias")), reason::kCollectionForbidden);
}

TEST_F(AuthAliases, TheAnswerDoesNotSayWhatAForbiddenNameStandsFor) {
  const absl::Status alias = Count("of another collection", "alias");
  const absl::Status nothing = Count("of another collection", "nothing");
  EXPECT_THAT(std::string(alias.message()), HasSubstr("\"alias\""));
  EXPECT_THAT(std::string(alias.message()), Not(HasSubstr("\"c\"")));
  EXPECT_EQ(ReasonOf(nothing), ReasonOf(alias));
}

TEST_F(AuthAliases, AnAliasThatMovesTakesItsReadersNowhereElse) {
  ASSERT_TRUE(SetAlias("of all", "alias", "other").ok());
  EXPECT_EQ(ReasonOf(Count("read", "alias")), reason::kCollectionForbidden);
  EXPECT_TRUE(Count("of another collection", "alias").ok());
}

TEST_F(AuthAliases, SettingOneTakesItsNameWhatItStandsForAndWhatItIsToStandFor) {
  EXPECT_TRUE(SetAlias("of team", "team-new", "team-a").ok());
  EXPECT_EQ(ReasonOf(SetAlias("of team", "free", "team-a")), reason::kCollectionForbidden);
  EXPECT_EQ(ReasonOf(SetAlias("of team", "team-new", "c")), reason::kCollectionForbidden);
  EXPECT_EQ(ReasonOf(SetAlias("of team", "team-alias", "team-a")), reason::kCollectionForbidden);
  EXPECT_EQ(ReasonOf(SetAlias("write", "c", "c")), reason::kKeyNotAdmin);
  EXPECT_TRUE(Count("read", "team-alias").ok()) << "still c";
}

TEST_F(AuthAliases, DeletingOneTakesItsNameAndWhatItStandsFor) {
  ASSERT_TRUE(SetAlias("of team", "team-new", "team-a").ok());
  EXPECT_EQ(ReasonOf(DeleteAlias("of team", "team-alias")), reason::kCollectionForbidden);
  EXPECT_EQ(ReasonOf(DeleteAlias("admin", "alias")), reason::kCollectionForbidden);
  EXPECT_TRUE(DeleteAlias("of team", "team-new").ok());
}

TEST_F(AuthAliases, OneForbiddenChangeOfSeveralRefusesThemAll) {
  v1::ChangeAliasesRequest change;
  change.add_changes()->set_alias("team-new");
  change.mutable_changes(0)->set_collection("team-a");
  change.add_changes()->set_alias("team-alias");  // deletes it
  EXPECT_EQ(ReasonOf(Call("kith.v1.Collections/ChangeAliases", change, With("of team"))),
            reason::kCollectionForbidden);
  EXPECT_THAT(Listed("of all"), UnorderedElementsAre("alias", "team-alias"));
}

TEST_F(AuthAliases, ACollectionIsNotMadeOrDeletedUnderTheNameOfSomeoneElsesAlias) {
  v1::DeleteCollectionRequest drop;
  drop.set_collection("team-alias");
  EXPECT_EQ(ReasonOf(Call("kith.v1.Collections/DeleteCollection", drop, With("of team"))),
            reason::kCollectionForbidden);
  drop.set_collection("alias");
  EXPECT_EQ(ReasonOf(Call("kith.v1.Collections/DeleteCollection", drop, With("admin"))),
            reason::kCollectionForbidden);
}

TEST_F(AuthAliases, AListShowsAKeyTheAliasesOfItsOwnCollectionsAlsoAfterAChange) {
  ASSERT_TRUE(SetAlias("of all", "one-more", "team-a").ok());
  EXPECT_THAT(Listed("read"), UnorderedElementsAre("alias", "team-alias"));
  EXPECT_THAT(Listed("of team"), ElementsAre("one-more"));
  v1::SetAliasRequest set;
  set.set_alias("team-new");
  set.set_collection("team-a");
  v1::ListAliasesResponse response;
  ASSERT_TRUE(Call("kith.v1.Collections/SetAlias", set, With("of team"), &response).ok());
  ASSERT_EQ(response.aliases_size(), 2);
  EXPECT_EQ(response.aliases(0).alias(), "one-more");
  EXPECT_EQ(response.aliases(1).alias(), "team-new");
}

}  // namespace
}  // namespace kith
