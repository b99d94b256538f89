#include "common/rpc/access_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "kith/v1/collections.pb.h"
#include "kith/v1/operations.pb.h"
#include "kith/v1/points.pb.h"
#include "kith/v1/search.pb.h"

namespace kith::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class AccessRulesTest : public ::testing::Test {
 protected:
  const AccessRule& RuleOf(const char* method, const google::protobuf::Message& request) {
    const AccessRule* const rule = rules_.Find(method, request);
    EXPECT_NE(rule, nullptr) << method;
    return *rule;
  }
  // Where "alias" stands for "c".
  std::vector<NamedCollection> Named(const char* method, const google::protobuf::Message& request) {
    return CollectionsOf(RuleOf(method, request), request, [](const std::string& name) {
      return name == "alias" ? std::string("c") : name;
    });
  }
  const AccessRules rules_;
};

TEST_F(AccessRulesTest, AMethodIsFoundByItsNameAndItsRequest) {
  const AccessRule& rule = RuleOf("Upsert", v1::UpsertRequest());
  EXPECT_EQ(rule.method, "kith.v1.Points/Upsert");
  EXPECT_EQ(rule.role, auth::Role::kWrite);
  EXPECT_EQ(rule.reach, Reach::kNamed);
  EXPECT_EQ(rules_.Find("Upsert", v1::GetPointsRequest()), nullptr)
      << "a handler with a wrong name";
  EXPECT_EQ(rules_.Find("Nothing", v1::UpsertRequest()), nullptr);
  EXPECT_EQ(rules_.Find("Stat", v1::UpsertRequest()), nullptr) << "nodes have no rows";
}

TEST_F(AccessRulesTest, TheCollectionsAreWhatTheRequestNames) {
  v1::SearchRequest search;
  search.set_collection("c");
  EXPECT_THAT(Named("Search", search), ElementsAre(NamedCollection{"c", "c"}));
  search.clear_collection();
  EXPECT_THAT(Named("Search", search), ElementsAre(NamedCollection{}));
  EXPECT_THAT(Named("ListCollections", v1::ListCollectionsRequest()), IsEmpty());
  v1::StreamUpsertRequest stream;
  EXPECT_THAT(Named("StreamUpsert", stream), ElementsAre(NamedCollection{}));
  stream.mutable_upsert()->set_collection("c");
  EXPECT_THAT(Named("StreamUpsert", stream), ElementsAre(NamedCollection{"c", "c"}));
}

TEST_F(AccessRulesTest, AnAliasIsWhatItStandsFor) {
  v1::SearchRequest search;
  search.set_collection("alias");
  EXPECT_THAT(Named("Search", search), ElementsAre(NamedCollection{"alias", "c"}));
}

TEST_F(AccessRulesTest, ANameThatIsGivenOrTakenIsMeantItselfToo) {
  v1::CreateCollectionRequest create;
  create.set_collection("alias");
  EXPECT_THAT(Named("CreateCollection", create),
              ElementsAre(NamedCollection{"alias", "alias"}, NamedCollection{"alias", "c"}));
  v1::SetAliasRequest set;
  set.set_alias("alias");
  set.set_collection("d");
  EXPECT_THAT(Named("SetAlias", set),
              UnorderedElementsAre(NamedCollection{"d", "d"}, NamedCollection{"alias", "alias"},
                                   NamedCollection{"alias", "c"}));
  v1::ChangeAliasesRequest change;
  change.add_changes()->set_alias("alias");  // deletes it
  change.add_changes()->set_alias("new");
  change.mutable_changes(1)->set_collection("d");
  EXPECT_THAT(Named("ChangeAliases", change),
              UnorderedElementsAre(NamedCollection{"alias", "alias"}, NamedCollection{"alias", "c"},
                                   NamedCollection{"new", "new"}, NamedCollection{"d", "d"}));
}

TEST_F(AccessRulesTest, VectorsAreCountedInEitherFormAndById) {
  v1::UpsertRequest upsert;
  const AccessRule& rule = RuleOf("Upsert", upsert);
  EXPECT_EQ(VectorsOf(rule, upsert), 0u);
  upsert.add_points();
  upsert.add_points();
  EXPECT_EQ(VectorsOf(rule, upsert), 2u);
  upsert.mutable_columns()->add_numbers(1);
  EXPECT_EQ(VectorsOf(rule, upsert), 3u);
  v1::SearchRequest search;
  EXPECT_EQ(VectorsOf(RuleOf("Search", search), search), 0u);
  search.mutable_point()->set_number(1);
  EXPECT_EQ(VectorsOf(RuleOf("Search", search), search), 1u);
  search.mutable_examples()->add_positive();
  search.mutable_examples()->add_positive();
  search.mutable_examples()->add_negative();
  EXPECT_EQ(VectorsOf(RuleOf("Search", search), search), 3u);
  v1::SearchBatchRequest batch;
  batch.set_count(7);
  EXPECT_EQ(VectorsOf(RuleOf("SearchBatch", batch), batch), 7u);
}

TEST_F(AccessRulesTest, ANameThatIsTooLongIsRefusedByItsField) {
  v1::GetOperationRequest request;
  request.set_id(std::string(kNameBytesMax, 'a'));
  const AccessRule& rule = RuleOf("GetOperation", request);
  EXPECT_TRUE(CheckNameLengths(rule, request).ok());
  request.mutable_id()->push_back('a');
  const absl::Status refused = CheckNameLengths(rule, request);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FactOf(refused, kFieldFact), "id");
  v1::ScrollPointsRequest scroll;
  scroll.set_page_token(std::string(kNameBytesMax + 1, 'a'));
  EXPECT_EQ(ReasonOf(CheckNameLengths(RuleOf("ScrollPoints", scroll), scroll)),
            reason::kBadPageToken);
  v1::StreamUpsertRequest within;
  within.mutable_upsert()->set_collection(std::string(kNameBytesMax + 1, 'a'));
  EXPECT_EQ(FactOf(CheckNameLengths(RuleOf("StreamUpsert", within), within), kFieldFact),
            "collection");
}

}  // namespace
}  // namespace kith::rpc
