#include "coordinator/search/query_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::vector<float> kOne = {1, 2, 3};

CollectionRecord Record(Metric metric = Metric::kL2) {
  CollectionRecord record;
  record.name = "c";
  record.dimension = 3;
  record.metric = metric;
  return record;
}

SearchQuery Single() {
  SearchQuery query;
  query.vectors.values = kOne;
  return query;
}

SearchQuery Batch(uint32_t count, const std::vector<float>& values) {
  SearchQuery query;
  query.form = QueryForm::kBatch;
  query.count = count;
  query.vectors.values = values;
  return query;
}

struct BadParameter {
  const char* field;
  const char* reason;
  Metric metric;
  std::function<void(SearchParameters&)> spoil;
};

TEST(QueryCheck, AFilterIsCheckedAgainstTheCollectionsFields) {
  CollectionRecord record = Record();
  record.payload_fields = {{"color", FieldType::kKeyword}};
  Filter exists;
  exists.kind = Filter::Kind::kExists;
  exists.field = "color";
  SearchQuery query = Single();
  query.parameters.filter = std::make_shared<const Filter>(exists);
  EXPECT_TRUE(CheckSearch(query, record).ok());
  exists.field = "size";
  query.parameters.filter = std::make_shared<const Filter>(exists);
  const absl::Status status = CheckSearch(query, record);
  EXPECT_EQ(ReasonOf(status), reason::kBadFilter);
  EXPECT_EQ(FactOf(status, kFieldFact), "parameters.filter.exists.field");
}

TEST(QueryCheck, AFieldThatIsBeingBuiltAnswersNeitherFiltersNorGroups) {
  CollectionRecord record = Record();
  record.payload_fields = {{"year", FieldType::kInteger, FieldState::kBuilding}};
  record.payload_fields[0].built_share = 0.41;
  Filter filter;
  filter.kind = Filter::Kind::kExists;
  filter.field = "year";
  SearchQuery filtered = Single();
  filtered.parameters.filter = std::make_shared<const Filter>(filter);
  SearchQuery grouped = Single();
  grouped.group_by.emplace().field = "year";
  for (const SearchQuery& query : {filtered, grouped}) {
    const absl::Status refused = CheckSearch(query, record);
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(refused), reason::kPayloadIndexBuilding);
    EXPECT_NE(std::string(refused.message()).find("41 %"), std::string::npos) << refused;
  }
  record.payload_fields[0].state = FieldState::kDropping;
  EXPECT_EQ(ReasonOf(CheckSearch(filtered, record)), reason::kBadFilter);
  record.payload_fields[0].state = FieldState::kReady;
  EXPECT_TRUE(CheckSearch(filtered, record).ok());
  EXPECT_TRUE(CheckSearch(grouped, record).ok());
}

TEST(QueryCheck, RefusesEveryBadParameterNamingTheField) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr Metric kL2 = Metric::kL2;
  constexpr Metric kCosine = Metric::kCosine;
  const std::vector<BadParameter> table = {
      {"limit", reason::kLimitOutOfRange, kL2, [](auto& p) { p.limit = 0; }},
      {"limit", reason::kLimitOutOfRange, kL2, [](auto& p) { p.limit = limits::kLimitMax + 1; }},
      {"nprobe", reason::kBadRequest, kL2, [](auto& p) { p.nprobe = 0; }},
      {"nprobe", reason::kBadRequest, kL2, [](auto& p) { p.nprobe = limits::kNprobeMax + 1; }},
      {"target_recall", reason::kBadRequest, kL2,
       [](auto& p) { p.nprobe = 1, p.target_recall = 0.9; }},
      {"target_recall", reason::kBadRequest, kL2, [](auto& p) { p.target_recall = 0.49; }},
      {"target_recall", reason::kBadRequest, kL2, [](auto& p) { p.target_recall = 1; }},
      {"target_recall", reason::kBadRequest, kL2, [=](auto& p) { p.target_recall = kNan; }},
      {"refine", reason::kBadRequest, kL2, [](auto& p) { p.refine = limits::kRefineMax + 1; }},
      {"rerank", reason::kBadRequest, kL2, [](auto& p) { p.rerank = limits::kRerankMax + 1; }},
      {"nprobe", reason::kBadRequest, kL2, [](auto& p) { p.exact = true, p.nprobe = 1; }},
      {"target_recall", reason::kBadRequest, kL2,
       [](auto& p) { p.exact = true, p.target_recall = 0.9; }},
      {"refine", reason::kBadRequest, kL2, [](auto& p) { p.exact = true, p.refine = 0; }},
      {"rerank", reason::kBadRequest, kL2, [](auto& p) { p.exact = true, p.rerank = 0; }},
      {"max_distance", reason::kBadRequest, kCosine, [](auto& p) { p.max_distance = 1; }},
      {"max_distance", reason::kBadRequest, kL2, [](auto& p) { p.max_distance = -1; }},
      {"max_distance", reason::kBadRequest, kL2, [=](auto& p) { p.max_distance = kNan; }},
      {"max_distance", reason::kBadRequest, kL2, [=](auto& p) { p.max_distance = kInf; }},
      {"min_score", reason::kBadRequest, kL2, [](auto& p) { p.min_score = 0.5; }},
      {"min_score", reason::kBadRequest, kCosine, [=](auto& p) { p.min_score = kNan; }},
      {"min_coverage", reason::kBadRequest, kL2, [](auto& p) { p.min_coverage = 1.01; }},
      {"min_coverage", reason::kBadRequest, kL2, [](auto& p) { p.min_coverage = -0.1; }},
      {"min_coverage", reason::kBadRequest, kL2, [=](auto& p) { p.min_coverage = kNan; }},
  };
  for (const BadParameter& bad : table) {
    SearchQuery query = Single();
    bad.spoil(query.parameters);
    const absl::Status status = CheckSearch(query, Record(bad.metric));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad.field << ": " << status;
    EXPECT_EQ(ReasonOf(status), bad.reason) << status;
    EXPECT_EQ(FactOf(status, kFieldFact), std::string("parameters.") + bad.field) << status;
  }
}

TEST(QueryCheck, TakesWhatIsJustWithinTheBounds) {
  SearchQuery query = Single();
  EXPECT_TRUE(CheckSearch(query, Record()).ok());
  query.parameters.limit = limits::kLimitMax;
  query.parameters.nprobe = limits::kNprobeMax;
  query.parameters.refine = limits::kRefineMax;
  query.parameters.rerank = limits::kRerankMax;
  query.parameters.max_distance = 0;
  query.parameters.min_coverage = 0;
  EXPECT_TRUE(CheckSearch(query, Record()).ok());
  query.parameters = {};
  query.parameters.target_recall = 0.999;
  query.parameters.min_score = -1;
  query.parameters.min_coverage = 1;
  EXPECT_TRUE(CheckSearch(query, Record(Metric::kInnerProduct)).ok());
}

TEST(QueryCheck, BoundsTheBatch) {
  SearchQuery query = Batch(0, kOne);
  EXPECT_EQ(FactOf(CheckSearch(query, Record()), kFieldFact), "count");
  query.count = limits::kQueriesMax;
  EXPECT_TRUE(CheckSearch(query, Record()).ok());
  query.count = limits::kQueriesMax + 1;
  EXPECT_EQ(ReasonOf(CheckSearch(query, Record())), reason::kBatchTooLarge);
  query.count = 1000;
  query.parameters.limit = 1000;
  EXPECT_TRUE(CheckSearch(query, Record()).ok());
  query.parameters.limit = 1001;
  EXPECT_EQ(ReasonOf(CheckSearch(query, Record())), reason::kBatchTooLarge);
}

TEST(QueryCheck, BoundsTheHitsThatComeWithPayloadsOrVectors) {
  SearchQuery query = Batch(1000, kOne);
  query.parameters.with_payload = true;
  EXPECT_TRUE(CheckSearch(query, Record()).ok());
  query.parameters.limit = 11;
  EXPECT_EQ(FactOf(CheckSearch(query, Record()), kFieldFact), "parameters.with_payload");
  SearchQuery wide = Single();
  wide.parameters.with_vector = true;
  wide.parameters.limit = limits::kLimitMax;
  CollectionRecord record = Record();
  record.dimension = limits::kDimensionMax;
  EXPECT_EQ(FactOf(CheckSearch(wide, record), kFieldFact), "parameters.with_vector");
}

TEST(QueryCheck, RequiresADeadlineOfAMinuteAtMost) {
  const Deadline now = std::chrono::steady_clock::now();
  EXPECT_EQ(ReasonOf(CheckDeadline(std::nullopt, now)), reason::kDeadlineRequired);
  EXPECT_EQ(ReasonOf(CheckDeadline(now + seconds(62), now)), reason::kDeadlineRequired);
  EXPECT_EQ(ReasonOf(CheckDeadline(Deadline::max(), now)), reason::kDeadlineRequired);
  EXPECT_TRUE(CheckDeadline(now + seconds(60) + milliseconds(100), now).ok());
  const absl::Status passed = CheckDeadline(now - milliseconds(1), now);
  EXPECT_EQ(passed.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReasonOf(passed), reason::kDeadline);
}

TEST(QueryCheck, NamesTheQueryOfABatchThatIsWrong) {
  const std::vector<float> values = {1, 2, 3, 4, std::nanf(""), 6};
  const auto bad = QueryRows(Batch(2, values), Record());
  EXPECT_EQ(ReasonOf(bad.status()), reason::kNonFiniteVector);
  EXPECT_EQ(FactOf(bad.status(), kFieldFact), "query_values[1]");
  SearchQuery single = Single();
  single.vectors.values = std::span(kOne).first(2);
  EXPECT_EQ(FactOf(QueryRows(single, Record()).status(), kFieldFact), "vector");
  EXPECT_EQ(ReasonOf(QueryRows(single, Record()).status()), reason::kDimensionMismatch);
}

TEST(QueryCheck, RefusesABatchWhoseSizeDoesNotFitItsCount) {
  const std::vector<float> values(6, 1);
  EXPECT_EQ(QueryRows(Batch(2, values), Record())->size(), 24u);
  EXPECT_EQ(ReasonOf(QueryRows(Batch(3, values), Record()).status()), reason::kDimensionMismatch);
  SearchQuery bytes = Batch(1, {});
  bytes.vectors.data = std::string_view("012345670123");
  EXPECT_TRUE(QueryRows(bytes, Record()).ok());
  bytes.count = 2;
  EXPECT_EQ(FactOf(QueryRows(bytes, Record()).status(), kFieldFact), "queries");
  bytes.vectors.values = kOne;
  EXPECT_EQ(ReasonOf(QueryRows(bytes, Record()).status()), reason::kBadVector);
  EXPECT_EQ(ReasonOf(QueryRows(Batch(1, {}), Record()).status()), reason::kBadVector);
}

}  // namespace
}  // namespace kith::coordinator
