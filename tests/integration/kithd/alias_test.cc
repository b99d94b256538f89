// Aliases and updates of collections, over the real port and a real metadata store.
#include <gmock/gmock.h>

#include <atomic>
#include <string>
#include <thread>

#include "common/base/reasons.h"
#include "tests/integration/kithd/real_cluster.h"

namespace kith::kithd {
namespace {

using ::testing::ElementsAre;
using Collections = v1::Collections::Stub;
using Points = v1::Points::Stub;

class AliasTest : public RealCluster {
 protected:
  // A collection with one point of that number.
  void Create(const std::string& name, uint64_t point) {
    v1::CreateCollectionRequest request;
    request.set_collection(name);
    request.set_dimension(2);
    request.set_metric(v1::METRIC_L2);
    request.set_element_type(v1::ELEMENT_TYPE_F32);
    v1::Collection made;
    const absl::Status status = Call(*collections_, &Collections::CreateCollection, request, &made);
    ASSERT_TRUE(status.ok()) << status;
    Put(name, point);
  }
  void Put(const std::string& name, uint64_t point) {
    v1::UpsertRequest upsert;
    upsert.set_collection(name);
    upsert.mutable_columns()->add_numbers(point);
    upsert.mutable_columns()->set_vectors(std::string(8, '\0'));
    v1::UpsertResponse written;
    ASSERT_TRUE(Call(*points_, &Points::Upsert, upsert, &written).ok());
    ASSERT_EQ(written.written(), 1u);
  }
  absl::Status Alias(const std::string& alias, const std::string& collection) {
    v1::SetAliasRequest request;
    request.set_alias(alias);
    request.set_collection(collection);
    v1::ListAliasesResponse all;
    return Call(*collections_, &Collections::SetAlias, request, &all);
  }
  // The point that a search finds first.
  absl::StatusOr<uint64_t> Find(const std::string& name) {
    v1::SearchRequest request;
    request.set_collection(name);
    request.mutable_vector()->add_values(0);
    request.mutable_vector()->add_values(0);
    v1::SearchResponse response;
    KITH_RETURN_IF_ERROR(Call(*search_, &v1::Search::Stub::Search, request, &response));
    return response.hits_size() == 0 ? ~uint64_t{0} : response.hits(0).id().number();
  }
  v1::Collection Get(const std::string& name) {
    v1::GetCollectionRequest request;
    request.set_collection(name);
    v1::Collection collection;
    EXPECT_TRUE(Call(*collections_, &Collections::GetCollection, request, &collection).ok());
    return collection;
  }
  absl::Status Drop(const std::string& name, const std::string& etag = "") {
    v1::DeleteCollectionRequest request;
    request.set_collection(name);
    request.set_etag(etag);
    v1::DeleteCollectionResponse dropped;
    return Call(*collections_, &Collections::DeleteCollection, request, &dropped);
  }
};

TEST_F(AliasTest, StandsForTheCollectionEverywhereAndOutlivesARestart) {
  Create("v1", 1);
  Create("v2", 2);
  ASSERT_TRUE(Alias("now", "v1").ok());
  EXPECT_EQ(*Find("now"), 1u);
  Stop();
  Start();
  EXPECT_EQ(*Find("now"), 1u);
  Put("now", 7);
  v1::CountPointsRequest count;
  count.set_collection("now");
  v1::CountPointsResponse counted;
  ASSERT_TRUE(Call(*points_, &Points::CountPoints, count, &counted).ok());
  EXPECT_EQ(counted.count(), 2u);
  v1::GetPointsRequest get;
  get.set_collection("now");
  get.add_ids()->set_number(7);
  v1::GetPointsResponse found;
  ASSERT_TRUE(Call(*points_, &Points::GetPoints, get, &found).ok());
  EXPECT_EQ(found.points_size(), 1);
  EXPECT_EQ(Get("now").collection(), "v1");
  EXPECT_THAT(Get("v1").aliases(), ElementsAre("now"));
  v1::VerifyCollectionRequest verify;
  verify.set_collection("now");
  v1::VerifyCollectionResponse verified;
  ASSERT_TRUE(Call(*collections_, &Collections::VerifyCollection, verify, &verified).ok());
  EXPECT_TRUE(verified.equal());
  v1::ListIndexVersionsRequest versions;
  versions.set_collection("now");
  v1::ListIndexVersionsResponse listed;
  EXPECT_TRUE(Call(*collections_, &Collections::ListIndexVersions, versions, &listed).ok());

  // A scroll that began on the one does not go on with the other.
  v1::ScrollPointsRequest scroll;
  scroll.set_collection("now");
  scroll.set_limit(1);
  v1::ScrollPointsResponse page;
  ASSERT_TRUE(Call(*points_, &Points::ScrollPoints, scroll, &page).ok());
  ASSERT_TRUE(Alias("now", "v2").ok());
  EXPECT_EQ(*Find("now"), 2u);
  scroll.set_page_token(page.next_page_token());
  EXPECT_EQ(ReasonOf(Call(*points_, &Points::ScrollPoints, scroll, &page)), reason::kBadPageToken);
}

TEST_F(AliasTest, SeveralMoveInOneStepOrNoneAndNoSearchFails) {
  Create("v1", 1);
  Create("v2", 2);
  ASSERT_TRUE(Alias("a", "v1").ok());
  ASSERT_TRUE(Alias("b", "v2").ok());
  std::atomic<bool> stop{false};
  std::thread searcher([&] {
    while (!stop) {
      const auto found = Find("a");
      ASSERT_TRUE(found.ok()) << found.status();
      ASSERT_TRUE(*found == 1 || *found == 2);
    }
  });
  v1::ListAliasesResponse all;
  for (int i = 0; i < 50; ++i) {
    v1::ChangeAliasesRequest request;
    for (const auto& [alias, collection] :
         {std::pair("a", i % 2 == 0 ? "v2" : "v1"), std::pair("b", i % 2 == 0 ? "v1" : "v2")}) {
      v1::AliasChange* change = request.add_changes();
      change->set_alias(alias);
      change->set_collection(collection);
    }
    const absl::Status status = Call(*collections_, &Collections::ChangeAliases, request, &all);
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_NE(all.aliases(0).collection(), all.aliases(1).collection());
  }
  stop = true;
  searcher.join();
  v1::ChangeAliasesRequest bad;
  bad.add_changes()->set_alias("a");  // goes
  bad.add_changes()->set_alias("c");
  bad.mutable_changes(1)->set_collection("nowhere");
  EXPECT_EQ(ReasonOf(Call(*collections_, &Collections::ChangeAliases, bad, &all)),
            reason::kCollectionNotFound);
  ASSERT_TRUE(Call(*collections_, &Collections::ListAliases, v1::ListAliasesRequest(), &all).ok());
  EXPECT_EQ(all.aliases_size(), 2);
}

TEST_F(AliasTest, NamesOfCollectionsAndAliasesExcludeEachOther) {
  Create("v1", 1);
  ASSERT_TRUE(Alias("now", "v1").ok());
  EXPECT_EQ(ReasonOf(Alias("v1", "v1")), reason::kCollectionExists);
  EXPECT_EQ(ReasonOf(Alias("then", "now")), reason::kCollectionNotFound);
  EXPECT_EQ(ReasonOf(Alias("Not A Name", "v1")), reason::kBadRequest);
  EXPECT_EQ(ReasonOf(Alias("x", "")), reason::kBadRequest);
  v1::CreateCollectionRequest create;
  create.set_collection("now");
  create.set_dimension(2);
  create.set_metric(v1::METRIC_L2);
  create.set_element_type(v1::ELEMENT_TYPE_F32);
  v1::Collection made;
  EXPECT_EQ(ReasonOf(Call(*collections_, &Collections::CreateCollection, create, &made)),
            reason::kAliasExists);
  EXPECT_EQ(ReasonOf(Drop("now")), reason::kCollectionNotFound);
  EXPECT_EQ(ReasonOf(Drop("v1")), reason::kCollectionHasAliases);
  v1::DeleteAliasRequest erase;
  erase.set_alias("now");
  v1::ListAliasesResponse all;
  ASSERT_TRUE(Call(*collections_, &Collections::DeleteAlias, erase, &all).ok());
  EXPECT_EQ(ReasonOf(Call(*collections_, &Collections::DeleteAlias, erase, &all)),
            reason::kAliasNotFound);
  EXPECT_EQ(ReasonOf(Find("now").status()), reason::kCollectionNotFound);
  EXPECT_TRUE(Drop("v1").ok());
}

TEST_F(AliasTest, AnUpdateChangesWhatItsMaskNamesUnderTheEtagThatWasRead) {
  Create("c", 1);
  const v1::Collection before = Get("c");
  v1::UpdateCollectionRequest request;
  request.set_collection("c");
  request.set_description("of people");
  request.mutable_index()->set_target_recall(0.9);
  request.mutable_index()->set_lists(77);
  request.mutable_update_mask()->add_paths("description");
  request.mutable_update_mask()->add_paths("index.target_recall");
  request.set_etag(before.etag());
  v1::Collection after;
  absl::Status status = Call(*collections_, &Collections::UpdateCollection, request, &after);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(after.description(), "of people");
  EXPECT_EQ(after.index().target_recall(), 0.9);
  EXPECT_EQ(after.index().lists(), 0u) << "not named";
  EXPECT_NE(after.etag(), before.etag());
  status = Call(*collections_, &Collections::UpdateCollection, request, &after);
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(status), reason::kEtagMismatch);
  EXPECT_EQ(ReasonOf(Drop("c", before.etag())), reason::kEtagMismatch);
  Stop();
  Start();
  EXPECT_EQ(Get("c").description(), "of people");

  request.clear_etag();
  const auto refusal = [&](const std::string& path) {
    request.mutable_update_mask()->clear_paths();
    if (!path.empty()) request.mutable_update_mask()->add_paths(path);
    return FactOf(Call(*collections_, &Collections::UpdateCollection, request, &after), kFieldFact)
        .value_or("none");
  };
  EXPECT_EQ(refusal(""), "update_mask");
  EXPECT_EQ(refusal("dimension"), "update_mask");
  request.mutable_index()->set_target_recall(0.3);
  EXPECT_EQ(refusal("index.target_recall"), "index.target_recall");
  request.mutable_index()->set_lists(1 << 30);
  EXPECT_EQ(refusal("index.lists"), "index.lists");
  request.set_description(std::string(1025, 'x'));
  EXPECT_EQ(refusal("description"), "description");
  EXPECT_TRUE(Drop("c", Get("c").etag()).ok());
}

}  // namespace
}  // namespace kith::kithd
