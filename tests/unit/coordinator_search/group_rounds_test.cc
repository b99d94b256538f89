#include "coordinator/search/group_rounds.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/base/reasons.h"

namespace kith::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Points 0, 1, 2 ... each farther than the one before; what their payload says is a function.
class GroupRoundsTest : public ::testing::Test {
 protected:
  using PayloadOf = std::function<std::string(uint64_t)>;

  static HitColumns Nearest(uint64_t count) {
    HitColumns hits;
    hits.counts = {static_cast<uint32_t>(count)};
    for (uint64_t n = 0; n < count; ++n) {
      hits.keys.append(PointKey::FromNumber(n).view());
      hits.scores.push_back(static_cast<float>(n));
      hits.versions.push_back(1);
    }
    return hits;
  }
  // Reads what is unread; how many reads that took.
  int Read(GroupRounds& rounds, const HitColumns& hits, const PayloadOf& payload_of) {
    int reads = 0;
    for (std::string keys = rounds.Unread(hits); !keys.empty(); keys = rounds.Unread(hits)) {
      ++reads;
      PointRows rows;
      std::vector<std::string> payloads(keys.size() / PointKey::kSize);
      EXPECT_LE(payloads.size(), GroupRounds::kKeysPerRead);
      for (size_t i = 0; i < payloads.size(); ++i) {
        const uint64_t number = PointKey::FromBytes(keys.data() + i * PointKey::kSize).number();
        payloads[i] = payload_of(number);
        const bool is_newer = payloads[i] == "newer";
        const std::string_view payload = is_newer ? "{}" : std::string_view(payloads[i]);
        rows.rows.push_back({payloads[i] != "gone", is_newer ? 2u : 1u, {}, payload});
      }
      rounds.Learn(keys, rows);
    }
    return reads;
  }
  SearchAnswer Run(GroupRounds& rounds, uint64_t points, const PayloadOf& payload_of) {
    SearchAnswer answer;
    answer.completeness = Completeness::kExact;
    do {
      answer.hits = Nearest(std::min<uint64_t>(points, rounds.candidates()));
      Read(rounds, answer.hits, payload_of);
    } while (rounds.WantsMore(answer.hits));
    rounds.Take(answer);
    return answer;
  }
  static std::vector<uint64_t> NumbersOf(const SearchAnswer& answer) {
    std::vector<uint64_t> numbers;
    for (size_t at = 0; at < answer.hits.keys.size(); at += PointKey::kSize) {
      numbers.push_back(PointKey::FromBytes(answer.hits.keys.data() + at).number());
    }
    return numbers;
  }
  static std::vector<std::string> ValuesOf(const SearchAnswer& answer) {
    std::vector<std::string> values;
    for (const FieldValue& value : answer.groups->values) {
      values.push_back(std::holds_alternative<int64_t>(value)
                           ? std::to_string(std::get<int64_t>(value))
                           : std::get<std::string>(value));
    }
    return values;
  }

  const PayloadSchema schema_ = {
      {"other", FieldType::kDouble}, {"color", FieldType::kKeyword}, {"year", FieldType::kInteger}};
};

TEST_F(GroupRoundsTest, GroupsComeByTheirNearestPointAndHoldTheirNearestPoints) {
  GroupRounds rounds({"year", 2}, schema_, 3);
  const SearchAnswer answer = Run(rounds, 100, [](uint64_t n) {
    return fmt::format("{{\"year\": {}}}", 10 - static_cast<int64_t>(n) / 3 % 5);
  });
  EXPECT_THAT(ValuesOf(answer), ElementsAre("10", "9", "8"));
  EXPECT_THAT(answer.hits.counts, ElementsAre(2, 2, 2));
  EXPECT_THAT(NumbersOf(answer), ElementsAre(0, 1, 3, 4, 6, 7));
  EXPECT_TRUE(answer.groups->is_complete);
}

TEST_F(GroupRoundsTest, LooksAtMorePointsUntilEveryGroupIsFull) {
  GroupRounds rounds({"color", 2}, schema_, 2);
  const uint32_t first = rounds.candidates();
  const SearchAnswer answer = Run(rounds, 5000, [](uint64_t n) {
    return std::string(n == 300 || n == 310 ? R"({"color": "rare"})" : R"({"color": "red"})");
  });
  EXPECT_THAT(ValuesOf(answer), ElementsAre("red", "rare"));
  EXPECT_THAT(NumbersOf(answer), ElementsAre(0, 1, 300, 310));
  EXPECT_GT(answer.groups->candidates, first);
  EXPECT_TRUE(answer.groups->is_complete);
}

TEST_F(GroupRoundsTest, SaysSoWhereTenThousandPointsDoNotFillThem) {
  GroupRounds rounds({"color", 2}, schema_, 2);
  const SearchAnswer answer = Run(rounds, 50'000, [](uint64_t) { return R"({"color": "red"})"; });
  EXPECT_THAT(ValuesOf(answer), ElementsAre("red"));
  EXPECT_EQ(answer.groups->candidates, 10'000u);
  EXPECT_FALSE(answer.groups->is_complete);
}

TEST_F(GroupRoundsTest, FewerGroupsThanWantedAreCompleteOnceEveryPointWasSeen) {
  const auto red = [](uint64_t) { return std::string(R"({"color": "red"})"); };
  GroupRounds rounds({"color", 50}, schema_, 2);
  EXPECT_TRUE(Run(rounds, 10, red).groups->is_complete);
  GroupRounds again({"color", 50}, schema_, 2);
  SearchAnswer answer;
  answer.completeness = Completeness::kDepth;
  answer.hits = Nearest(10);
  Read(again, answer.hits, red);
  EXPECT_FALSE(again.WantsMore(answer.hits));
  again.Take(answer);
  EXPECT_FALSE(answer.groups->is_complete) << "the lists may hold more than was looked at";
}

TEST_F(GroupRoundsTest, APointWithSeveralValuesIsInEachGroupAndOneWithoutInNone) {
  GroupRounds rounds({"color", 2}, schema_, 3);
  const SearchAnswer answer = Run(rounds, 4, [](uint64_t n) {
    return std::string(n == 0   ? "{}"
                       : n == 1 ? R"({"color": ["blue", "red"]})"
                       : n == 2 ? R"({"color": "red"})"
                                : R"({"color": 7})");
  });
  EXPECT_THAT(ValuesOf(answer), ElementsAre("blue", "red"));
  EXPECT_THAT(answer.hits.counts, ElementsAre(1, 2));
  EXPECT_THAT(NumbersOf(answer), ElementsAre(1, 1, 2));
}

TEST_F(GroupRoundsTest, PointsThatChangedSinceAreLeftOutAndTheAnswerSaysSo) {
  GroupRounds rounds({"color", 3}, schema_, 1);
  const SearchAnswer answer = Run(rounds, 5, [](uint64_t n) {
    return std::string(n == 1 ? "gone" : n == 2 ? "newer" : R"({"color": "red"})");
  });
  EXPECT_THAT(NumbersOf(answer), ElementsAre(0, 3, 4));
  EXPECT_THAT(answer.degraded, ElementsAre(reason::kChangedMeanwhile));
}

TEST_F(GroupRoundsTest, ReadsEachPayloadOnce) {
  GroupRounds rounds({"color", 2}, schema_, 2);
  const auto red = [](uint64_t) { return std::string(R"({"color": "red"})"); };
  EXPECT_EQ(Read(rounds, Nearest(1000), red), 2);
  EXPECT_EQ(Read(rounds, Nearest(1000), red), 0);
  EXPECT_EQ(Read(rounds, Nearest(1001), red), 1);
  EXPECT_THAT(rounds.Unread(Nearest(1001)), IsEmpty());
}

}  // namespace
}  // namespace kith::coordinator
