#include "coordinator/search/search_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/search_limits.h"
#include "common/base/status.h"
#include "tests/support/scripted_shard.h"

namespace kith::coordinator {
namespace {

using ::testing::HasSubstr;

class SearchPageTest : public ::testing::Test {
 protected:
  SearchPageTest() {
    query_.collection = "c";
    page_.last = {2.5f, PointKey::FromNumber(77)};
    page_.is_flat = false;
    page_.index_version = "0123456789abcdef0123456789abcdef";
    page_.nprobe = 12;
    page_.refine = 400;
    page_.rerank = 200;
    page_.stop_ratio = 1.5f;
    page_.completeness = Completeness::kTargetRecall;
  }
  PageBinding Binding() const { return BindingOf(cluster_.record, query_, "vector"); }
  std::string Token() const { return SearchPageToken(Binding(), page_); }
  std::string Refusal(std::string_view token, const PageBinding& binding) const {
    const absl::Status status = PageOf(token, binding).status();
    EXPECT_EQ(ReasonOf(status), reason::kBadPageToken) << status;
    EXPECT_EQ(FactOf(status, kFieldFact), "page_token");
    return std::string(status.message());
  }
  SearchPlan Plan() const { return *PlanSearch(cluster_.entry(), query_); }

  testing::ScriptedCluster cluster_{2};
  SearchQuery query_;
  SearchPage page_;
};

TEST_F(SearchPageTest, ATokenBringsBackWhereAndHowToGoOn) {
  EXPECT_LE(Token().size(), limits::kPageTokenBytesMax);
  const auto read = PageOf(Token(), Binding());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->last.score, 2.5f);
  EXPECT_EQ(read->last.key, page_.last.key);
  EXPECT_FALSE(read->is_flat);
  EXPECT_EQ(read->index_version, page_.index_version);
  EXPECT_EQ(read->nprobe, 12u);
  EXPECT_EQ(read->refine, 400u);
  EXPECT_EQ(read->rerank, 200u);
  EXPECT_EQ(read->stop_ratio, 1.5f);
  EXPECT_EQ(read->completeness, Completeness::kTargetRecall);
}

TEST_F(SearchPageTest, ATokenOfSomethingElseIsRefusedByName) {
  const std::string token = Token();
  CollectionRecord anew = cluster_.record;
  anew.incarnation = Uuid{{9}};
  EXPECT_THAT(Refusal(token, BindingOf(anew, query_, "vector")), HasSubstr("another collection"));
  EXPECT_THAT(Refusal(token, BindingOf(cluster_.record, query_, "other")),
              HasSubstr("another query"));
  SearchQuery other = query_;
  other.point = PointKey::FromNumber(1);
  EXPECT_THAT(Refusal(token, BindingOf(cluster_.record, other, "vector")),
              HasSubstr("another query"));
  other = query_;
  Filter filter;
  filter.kind = Filter::Kind::kExists;
  filter.field = "color";
  other.parameters.filter = std::make_shared<const Filter>(filter);
  EXPECT_THAT(Refusal(token, BindingOf(cluster_.record, other, "vector")),
              HasSubstr("another filter"));
  const auto refuses = [&](auto change) {
    SearchQuery changed = query_;
    change(changed);
    EXPECT_THAT(Refusal(token, BindingOf(cluster_.record, changed, "vector")),
                HasSubstr("other parameters"));
  };
  refuses([](SearchQuery& q) { q.parameters.limit = 11; });
  refuses([](SearchQuery& q) { q.parameters.exact = true; });
  refuses([](SearchQuery& q) { q.parameters.nprobe = 3; });
  refuses([](SearchQuery& q) { q.parameters.refine = 3; });
  refuses([](SearchQuery& q) { q.parameters.rerank = 3; });
  refuses([](SearchQuery& q) { q.parameters.max_distance = 3; });
  refuses([](SearchQuery& q) { q.parameters.min_score = 3; });
  refuses([](SearchQuery& q) { q.parameters.target_recall = 0.9; });
  refuses([](SearchQuery& q) { q.page_depth = 100; });
  SearchQuery same = query_;
  same.parameters.with_payload = same.parameters.explain = true;
  same.parameters.limit = limits::kLimitDefault;
  EXPECT_TRUE(PageOf(token, BindingOf(cluster_.record, same, "vector")).ok());
}

TEST_F(SearchPageTest, ADamagedTokenIsRefused) {
  const std::string token = Token();
  for (const std::string& damaged : {std::string("x"), std::string("!!!!"), token + "AAAA",
                                     token.substr(4), std::string(10'000, 'A')}) {
    Refusal(damaged, Binding());
  }
  std::string bytes;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(token, &bytes));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] ^= 1;
    std::string text;
    absl::WebSafeBase64Escape(changed, &text);
    Refusal(text, Binding());
  }
}

TEST_F(SearchPageTest, AMadeTokenAsksForNoMoreThanARequestMay) {
  page_.nprobe = limits::kNprobeMax + 1;
  Refusal(Token(), Binding());
  page_.nprobe = 1;
  page_.refine = limits::kRefineMax + 1;
  Refusal(Token(), Binding());
  page_.refine = 1;
  page_.last.score = std::numeric_limits<float>::quiet_NaN();
  Refusal(Token(), Binding());
  page_.last.score = 1;
  page_.last.key = PointKey();
  Refusal(Token(), Binding());
}

TEST_F(SearchPageTest, TheNextPageIsSearchedAsTheFirstWas) {
  cluster_.record.serving_version = "v2";
  cluster_.record.trained_lists = 64;
  cluster_.record.versions = {{"v2"}, {page_.index_version}};
  cluster_.Publish();
  for (const auto& route : cluster_.entry()->routes) route->NoteLivePoints(1'000'000);
  SearchPlan plan = Plan();
  ASSERT_EQ(plan.call.index_version, "v2");
  ASSERT_TRUE(ContinueFrom(page_, plan).ok());
  EXPECT_EQ(plan.call.index_version, page_.index_version) << "it is held though it serves no more";
  EXPECT_EQ(plan.call.nprobe, 12u);
  EXPECT_EQ(plan.call.refine, 400u);
  EXPECT_EQ(plan.call.rerank, 200u);
  EXPECT_EQ(plan.call.stop_ratio, 1.5f);
  ASSERT_TRUE(plan.call.after.has_value());
  EXPECT_EQ(plan.call.after->key, page_.last.key);
  EXPECT_EQ(SearchPageToken(Binding(), NextPage(plan, page_.last, page_.completeness)), Token());

  cluster_.record.versions.pop_back();
  cluster_.Publish();
  SearchPlan late = Plan();
  EXPECT_EQ(ReasonOf(ContinueFrom(page_, late)), reason::kBadPageToken);
}

TEST_F(SearchPageTest, PagesThatBeganByComparingEveryPointGoOnSo) {
  page_.is_flat = true;
  page_.index_version.clear();
  cluster_.record.serving_version = "v2";
  cluster_.record.trained_lists = 64;
  cluster_.Publish();
  for (const auto& route : cluster_.entry()->routes) route->NoteLivePoints(1'000'000);
  SearchPlan plan = Plan();
  ASSERT_FALSE(plan.is_flat);
  ASSERT_TRUE(ContinueFrom(page_, plan).ok());
  EXPECT_TRUE(plan.is_flat);
  EXPECT_EQ(plan.call.index_version, "");
}

}  // namespace
}  // namespace kith::coordinator
