#include "coordinator/search/query_examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <deque>

#include "common/base/reasons.h"
#include "common/base/search_limits.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;

Example At(const std::vector<float>& values) { return {{{}, values}, std::nullopt}; }
Example Of(uint64_t number) { return {{}, PointKey::FromNumber(number)}; }

class QueryExamples : public ::testing::Test {
 protected:
  QueryExamples() { query_.examples.emplace(); }

  Examples& examples() { return *query_.examples; }
  std::vector<float> Floats(const std::string& bytes) {
    std::vector<float> floats(bytes.size() / sizeof(float));
    std::memcpy(floats.data(), bytes.data(), bytes.size());
    return floats;
  }
  absl::StatusOr<QueryVectors> Vectors() { return VectorsOf(query_, points_, shape_); }
  void Store(const std::vector<float>& values) {
    stored_.emplace_back(reinterpret_cast<const char*>(values.data()), values.size() * 4);
    points_.rows.push_back({true, 1, stored_.back(), {}});
  }

  SearchQuery query_;
  VectorShape shape_{2, Metric::kL2, ElementType::kF32};
  PointRows points_;
  std::deque<std::string> stored_;
  const std::vector<float> a_ = {1, 2};
  const std::vector<float> b_ = {3, 6};
};

TEST_F(QueryExamples, TheMeanOfThePositiveOnesIsAsked) {
  examples().positive = {At(a_), At(b_)};
  EXPECT_THAT(Floats(Vectors()->searched), ElementsAre(2, 4));
  EXPECT_EQ(Vectors()->negative, "");
}

TEST_F(QueryExamples, NegativeOnesPushItAwayByAsMuchAsLiesBetween) {
  const std::vector<float> away = {2, 1};
  examples().positive = {At(a_), At(b_)};
  examples().negative = {At(away)};
  EXPECT_THAT(Floats(Vectors()->searched), ElementsAre(2, 7));
}

TEST_F(QueryExamples, UnderCosineEachExampleCountsByItsDirection) {
  shape_.metric = Metric::kCosine;
  const std::vector<float> x = {100, 0};
  const std::vector<float> y = {0, 1};
  examples().positive = {At(x), At(y)};
  EXPECT_THAT(Floats(Vectors()->searched), ElementsAre(FloatEq(0.5f), FloatEq(0.5f)));
  const std::vector<float> opposite = {0, -3};
  examples().positive = {At(y), At(opposite)};
  EXPECT_EQ(ReasonOf(Vectors().status()), reason::kZeroVectorCosine);
  EXPECT_EQ(FactOf(Vectors().status(), kFieldFact), "examples");
}

TEST_F(QueryExamples, BytesAreRoundedAndStayBytes) {
  shape_.element_type = ElementType::kU8;
  const std::vector<float> low = {0, 200};
  const std::vector<float> high = {5, 201};
  const std::vector<float> away = {255, 0};
  examples().positive = {At(low), At(high)};
  EXPECT_EQ(Vectors()->searched, std::string("\x03\xc9"));
  examples().negative = {At(away)};
  EXPECT_EQ(Vectors()->searched, std::string("\x00\xff", 2));
}

TEST_F(QueryExamples, StoredPointsStandForTheirVectorsAndAreReadOnce) {
  examples().positive = {Of(7), At(a_), Of(8)};
  examples().negative = {Of(7)};
  EXPECT_THAT(PointsOf(query_), ElementsAre(PointKey::FromNumber(7), PointKey::FromNumber(8)));
  Store({1, 2});
  Store({4, 8});
  EXPECT_THAT(Floats(Vectors()->searched), ElementsAre(3, 6));
}

TEST_F(QueryExamples, EveryMissingPointIsNamed) {
  examples().positive = {At(a_), Of(7), Of(8)};
  examples().negative = {Of(9)};
  points_.rows.resize(1);
  Store({1, 2});
  points_.rows.resize(3);
  const absl::Status status = Vectors().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), reason::kPointNotFound);
  EXPECT_EQ(FactOf(status, kFieldFact), "examples.positive[1]");
  EXPECT_EQ(FactOf(status, "missing"), "7, 9");
  EXPECT_THAT(std::string(status.message()), HasSubstr("no point 7, 9"));
}

TEST_F(QueryExamples, ABadVectorIsNamedByItsPlace) {
  const std::vector<float> nan = {NAN, 1};
  examples().positive = {At(a_)};
  examples().negative = {At(b_), At(nan)};
  EXPECT_EQ(ReasonOf(Vectors().status()), reason::kNonFiniteVector);
  EXPECT_EQ(FactOf(Vectors().status(), kFieldFact), "examples.negative[1]");
  const std::vector<float> three = {1, 2, 3};
  examples().positive = {At(three)};
  EXPECT_EQ(ReasonOf(Vectors().status()), reason::kDimensionMismatch);
  const std::vector<float> long_one = {9e17f, 0};
  const std::vector<float> other_way = {-9e17f, 0};
  examples().positive = {At(long_one)};
  examples().negative = {At(other_way)};
  EXPECT_EQ(ReasonOf(Vectors().status()), reason::kBadVector) << "what they come to is too long";
}

TEST_F(QueryExamples, ByBestScoreEachPositiveOneIsAQuery) {
  examples().strategy = ExampleStrategy::kBestScore;
  examples().positive = {At(a_), At(b_)};
  examples().negative = {At(b_)};
  EXPECT_THAT(Floats(Vectors()->searched), ElementsAre(1, 2, 3, 6));
  EXPECT_THAT(Floats(Vectors()->negative), ElementsAre(3, 6));
}

TEST_F(QueryExamples, TooManyOrNoneOrWhatDoesNotGoTogetherIsRefused) {
  const auto field_of = [&] { return FactOf(CheckExamples(query_), kFieldFact); };
  EXPECT_EQ(field_of(), "examples.positive");
  examples().positive.assign(limits::kExamplesMax, At(a_));
  EXPECT_EQ(field_of(), std::nullopt);
  examples().positive.push_back(At(a_));
  EXPECT_EQ(field_of(), "examples.positive");
  examples().positive.pop_back();
  examples().negative.assign(limits::kExamplesMax + 1, At(a_));
  EXPECT_EQ(field_of(), "examples.negative");
  examples().negative.clear();
  query_.page_token = "x";
  EXPECT_EQ(field_of(), std::nullopt);
  examples().strategy = ExampleStrategy::kBestScore;
  EXPECT_EQ(field_of(), "page_token");
  query_.page_token.clear();
  query_.group_by.emplace();
  EXPECT_EQ(field_of(), "group_by");
  query_.group_by.reset();
  query_.parameters.limit = limits::kBestScoreLimitMax + 1;
  EXPECT_EQ(field_of(), "parameters.limit");
}

}  // namespace
}  // namespace kith::coordinator
