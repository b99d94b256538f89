#include "coordinator/write/write_batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

const std::vector<float> kGood = {1, 2};
const std::vector<float> kNan = {1, std::numeric_limits<float>::quiet_NaN()};
const std::vector<float> kShort = {1};
const std::vector<float> kZero = {0, 0};

CollectionRecord Record() {
  CollectionRecord record;
  record.name = "c";
  record.dimension = 2;
  record.incarnation = Uuid{{9}};
  return record;
}

UpsertPoint Point(uint64_t number, const std::vector<float>& values = kGood) {
  UpsertPoint point;
  point.key = PointKey::FromNumber(number);
  point.vector.values = values;
  return point;
}

std::string_view BytesOf(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

struct BadPoint {
  const char* part;
  const char* reason;
  std::function<void(UpsertPoint&)> spoil;
};

TEST(WriteBatch, APayloadThatTheCollectionCannotIndexIsRefusedNamingPointAndField) {
  CollectionRecord record = Record();
  record.payload_fields = {{"year", FieldType::kInteger}};
  UpsertCall call;
  call.points = {Point(1), Point(2), Point(3)};
  call.points[0].payload = R"({"year": 1999})";
  call.points[1].payload = R"({"year": "1999"})";
  const auto batch = MakeUpsertBatch(call, record);
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->operations(), 2u);
  ASSERT_EQ(batch->refused.size(), 1u);
  const absl::Status& status = batch->refused[0].second;
  EXPECT_EQ(ReasonOf(status), reason::kBadPayload);
  EXPECT_EQ(FactOf(status, kFieldFact), "points[1].payload");
  EXPECT_NE(std::string(status.message()).find("field year"), std::string::npos);
}

TEST(WriteBatch, RefusesEachBadPointByItselfAndKeepsTheOthers) {
  CollectionRecord record = Record();
  record.metric = Metric::kCosine;
  const std::string large(limits::kPayloadBytesMax + 1, 'p');
  const std::vector<BadPoint> table = {
      {"id", reason::kBadId, [](auto& p) { p.key.reset(); }},
      {"vector", reason::kBadVector, [](auto& p) { p.vector = {}; }},
      {"vector", reason::kDimensionMismatch, [](auto& p) { p.vector.values = kShort; }},
      {"vector", reason::kNonFiniteVector, [](auto& p) { p.vector.values = kNan; }},
      {"vector", reason::kZeroVectorCosine, [](auto& p) { p.vector.values = kZero; }},
      {"payload", reason::kPayloadTooLarge, [&](auto& p) { p.payload = large; }},
      {"if_version", reason::kBadRequest, [](auto& p) { p.if_version = ~uint64_t{0}; }},
  };
  for (const BadPoint& bad : table) {
    UpsertCall call;
    call.points = {Point(1), Point(2), Point(3)};
    bad.spoil(call.points[1]);
    const auto batch = MakeUpsertBatch(call, record);
    ASSERT_TRUE(batch.ok()) << batch.status();
    ASSERT_EQ(batch->refused.size(), 1u) << bad.part << " " << bad.reason;
    const auto& [item, status] = batch->refused[0];
    EXPECT_EQ(item, 1u);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(status), bad.reason);
    EXPECT_EQ(FactOf(status, kFieldFact), std::string("points[1].") + bad.part);
    EXPECT_EQ(batch->places, (std::vector<uint32_t>{0, 2}));
    EXPECT_EQ(batch->operations(), 2u);
    EXPECT_EQ(batch->vectors, std::string(BytesOf(kGood)) + std::string(BytesOf(kGood)));
  }
}

TEST(WriteBatch, KeepsTheLargestPayload) {
  const std::string largest(limits::kPayloadBytesMax, 'p');
  UpsertCall call;
  call.points = {Point(1)};
  call.points[0].payload = largest;
  EXPECT_TRUE(MakeUpsertBatch(call, Record())->refused.empty());
}

TEST(WriteBatch, RefusesACallThatCannotBeUnderstoodAsAWhole) {
  const std::vector<float> rows(4, 1);
  const std::vector<uint64_t> numbers = {1, 2};
  const UpsertColumns columns = {numbers, BytesOf(rows), {}};
  const auto refusal = [&](auto spoil) {
    UpsertCall call;
    call.columns = columns;
    spoil(call);
    const absl::Status status = MakeUpsertBatch(call, Record()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return ReasonOf(status) + " " + FactOf(status, kFieldFact).value_or("");
  };
  EXPECT_EQ(refusal([](UpsertCall& c) { c.request_id = "short"; }), "BAD_REQUEST request_id");
  EXPECT_EQ(refusal([](UpsertCall& c) { c.points = {Point(1)}; }), "BAD_REQUEST columns");
  EXPECT_EQ(refusal([](UpsertCall& c) { c.columns->vectors.remove_suffix(1); }),
            "DIMENSION_MISMATCH columns.vectors");
  EXPECT_EQ(refusal([](UpsertCall& c) { c.columns->payloads = {"a"}; }),
            "BAD_REQUEST columns.payloads");
  EXPECT_EQ(refusal([](UpsertCall& c) {
              c.columns.reset();
              c.points.resize(limits::kPointsPerCallMax + 1);
            }),
            "BATCH_TOO_LARGE points");
  const std::vector<uint64_t> many(limits::kPointsPerCallMax + 1);
  EXPECT_EQ(refusal([&](UpsertCall& c) { c.columns->numbers = many; }),
            "BATCH_TOO_LARGE columns.numbers");
  DeleteCall erase;
  erase.keys.resize(limits::kPointsPerCallMax + 1);
  EXPECT_EQ(FactOf(MakeDeleteBatch(erase).status(), kFieldFact), "ids");
}

TEST(WriteBatch, NamesTheRowOfColumnsThatIsWrong) {
  const std::vector<float> rows = {1, 2, std::nanf(""), 4};
  const std::vector<uint64_t> numbers = {1, 2};
  UpsertCall call;
  call.columns = {numbers, BytesOf(rows), {}};
  const auto batch = MakeUpsertBatch(call, Record());
  ASSERT_EQ(batch->refused.size(), 1u);
  EXPECT_EQ(FactOf(batch->refused[0].second, kFieldFact), "columns.vectors[1]");
  EXPECT_EQ(batch->operations(), 1u);
}

TEST(WriteBatch, PutsPayloadsAndConditionsBesideTheirPoints) {
  UpsertCall call;
  call.points = {Point(1), Point(2), Point(3), Point(4)};
  call.points[1].payload = "two";
  call.points[2].if_version = 7;
  call.points[3].payload = "four";
  const auto batch = MakeUpsertBatch(call, Record());
  EXPECT_EQ(batch->payload_sizes, (std::vector<uint32_t>{0, 3, 0, 4}));
  EXPECT_EQ(batch->payloads, "twofour");
  EXPECT_EQ(batch->if_versions, (std::vector<uint64_t>{kNoVersionCondition, kNoVersionCondition, 7,
                                                       kNoVersionCondition}));
}

TEST(WriteBatch, HashesTheSameBodyAlikeInBothForms) {
  const std::vector<float> rows = {1, 2, 1, 2};
  const std::vector<uint64_t> numbers = {1, 2};
  UpsertCall points;
  points.points = {Point(1), Point(2)};
  UpsertCall columns;
  columns.columns = {numbers, BytesOf(rows), {}};
  const std::string hash = BodyHash(*MakeUpsertBatch(points, Record()), Record());
  EXPECT_EQ(hash.size(), 16u);
  EXPECT_EQ(BodyHash(*MakeUpsertBatch(columns, Record()), Record()), hash);
}

TEST(WriteBatch, HashesEveryDifferenceOfABody) {
  const auto hash_of = [](auto change) {
    UpsertCall call;
    call.points = {Point(1), Point(2), Point(3)};
    call.points[0].payload = "ab";
    CollectionRecord record = Record();
    change(call, record);
    return BodyHash(*MakeUpsertBatch(call, record), record);
  };
  using Record = CollectionRecord;
  const std::vector<float> other = {1, 3};
  std::vector<std::string> hashes = {
      hash_of([](UpsertCall&, Record&) {}),
      hash_of([](UpsertCall& c, Record&) { c.mode = WriteKind::kInsertOnly; }),
      hash_of([](UpsertCall& c, Record&) { c.points[1].key = PointKey::FromNumber(5); }),
      hash_of([&](UpsertCall& c, Record&) { c.points[1].vector.values = other; }),
      hash_of([](UpsertCall& c, Record&) { c.points[0].payload = "ac"; }),
      hash_of([](UpsertCall& c, Record&) {
        c.points[0].payload = "a";
        c.points[1].payload = "b";
      }),
      hash_of([](UpsertCall& c, Record&) { c.points[2].if_version = 0; }),
      hash_of([](UpsertCall& c, Record&) { c.points.pop_back(); }),
      hash_of([](UpsertCall& c, Record&) { c.points[0].vector.values = kShort; }),
      hash_of([](UpsertCall& c, Record&) { c.points[2].vector.values = kShort; }),
      hash_of([](UpsertCall&, Record& r) { r.incarnation = Uuid{{8}}; }),
  };
  std::sort(hashes.begin(), hashes.end());
  EXPECT_EQ(std::unique(hashes.begin(), hashes.end()), hashes.end());
}

}  // namespace
}  // namespace kith::coordinator
