#include "tests/contract/shard_service_contract.h"

#include <fmt/format.h>

#include <atomic>
#include <cstring>
#include <ostream>
#include <set>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/vector/point_key.h"

namespace kith::testing {
namespace {

constexpr uint32_t kDimension = 4;

std::string VectorAt(float at) {
  const float values[kDimension] = {at, 0, 0, 0};
  return {reinterpret_cast<const char*>(values), sizeof(values)};
}

uint64_t NumberOf(const std::string& keys, size_t i) {
  return PointKey::FromBytes(keys.data() + i * PointKey::kSize).number();
}

std::string KeyOf(uint64_t number) { return std::string(PointKey::FromNumber(number).view()); }

void ExpectError(const absl::Status& status, absl::StatusCode code, const char* reason) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(ReasonOf(status), reason) << status;
}

}  // namespace

void PrintTo(const ContractCase& contract_case, std::ostream* out) { *out << contract_case.name; }

void ShardServiceContract::SetUp() { fixture_ = GetParam().make(); }

ShardSpec ShardServiceContract::Create(ShardId shard) {
  ShardSpec spec;
  spec.shard = shard;
  spec.collection = "photos";
  spec.incarnation = Incarnation();
  spec.dimension = kDimension;
  spec.slots = {{0, limits::kSlots}};
  const absl::Status created = service().CreateShard(spec, Soon());
  EXPECT_TRUE(created.ok()) << created;
  const Deadline give_up = Soon();
  while (std::chrono::steady_clock::now() < give_up) {
    const auto stat = service().Stat(shard, Soon());
    if (stat.ok() && stat->ready) return spec;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << "the shard does not become ready";
  return spec;
}

WriteCall ShardServiceContract::Upserts(ShardId shard, uint64_t first, uint64_t count) {
  WriteCall call;
  call.shard = shard;
  call.incarnation = Incarnation();
  call.unix_ms = SystemClock().UnixMs();  // request_ids are kept for a day from here
  for (uint64_t i = first; i < first + count; ++i) {
    call.kinds.push_back(WriteKind::kUpsert);
    call.keys += KeyOf(i);
    call.vectors += VectorAt(static_cast<float>(i));
    const std::string payload = fmt::format("p{}", i);
    call.payload_sizes.push_back(static_cast<uint32_t>(payload.size()));
    call.payloads += payload;
  }
  return call;
}

WriteReply ShardServiceContract::Store(ShardId shard, uint64_t first, uint64_t count) {
  const auto reply = WriteNow(service(), Upserts(shard, first, count));
  EXPECT_TRUE(reply.ok()) << reply.status();
  return reply.ok() ? *reply : WriteReply();
}

SearchCall ShardServiceContract::Nearest(ShardId shard, float at, uint32_t limit) {
  SearchCall call;
  call.shard = shard;
  call.incarnation = Incarnation();
  call.count = 1;
  call.queries = VectorAt(at);
  call.limit = limit;
  return call;
}

TEST_P(ShardServiceContract, ANewShardIsReadyEmptyAndOfItsIncarnation) {
  const ShardSpec spec = Create();
  const auto stat = service().Stat(spec.shard, Soon());
  ASSERT_TRUE(stat.ok()) << stat.status();
  EXPECT_TRUE(stat->ready);
  EXPECT_EQ(stat->live_points, 0u);
  EXPECT_EQ(stat->incarnation, spec.incarnation);
  const auto found = SearchNow(service(), Nearest(spec.shard, 0, 10));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->counts, std::vector<uint32_t>{0});
}

TEST_P(ShardServiceContract, CreatingAShardAgainIsFineButNotUnderAnotherIncarnation) {
  ShardSpec spec = Create();
  EXPECT_TRUE(service().CreateShard(spec, Soon()).ok());
  spec.incarnation = Uuid::Random();
  ExpectError(service().CreateShard(spec, Soon()), absl::StatusCode::kFailedPrecondition,
              reason::kWrongIncarnation);
}

TEST_P(ShardServiceContract, ADroppedShardIsGoneAndDroppingItAgainIsFine) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 10);
  EXPECT_TRUE(service().DropShard(spec.shard, spec.incarnation, Soon()).ok());
  EXPECT_TRUE(service().DropShard(spec.shard, spec.incarnation, Soon()).ok());
  ExpectError(service().Stat(spec.shard, Soon()).status(), absl::StatusCode::kNotFound,
              reason::kShardUnavailable);
  ExpectError(SearchNow(service(), Nearest(spec.shard, 0, 1)).status(), absl::StatusCode::kNotFound,
              reason::kShardUnavailable);
}

// Ids count from 1 in every cluster: the incarnation tells two clusters' shards apart.
TEST_P(ShardServiceContract, ACallForAnotherIncarnationIsRefusedAndChangesNothing) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 5);
  const Uuid other{{0xab, 0xce}};
  SearchCall search = Nearest(spec.shard, 0, 1);
  search.incarnation = other;
  ExpectError(SearchNow(service(), search).status(), absl::StatusCode::kFailedPrecondition,
              reason::kWrongIncarnation);
  WriteCall write = Upserts(spec.shard, 5, 1);
  write.incarnation = other;
  ExpectError(WriteNow(service(), write).status(), absl::StatusCode::kFailedPrecondition,
              reason::kWrongIncarnation);
  const GetCall get{.shard = spec.shard, .incarnation = other, .keys = KeyOf(1)};
  ExpectError(GetNow(service(), get).status(), absl::StatusCode::kFailedPrecondition,
              reason::kWrongIncarnation);
  EXPECT_EQ(service().Stat(spec.shard, Soon())->live_points, 5u);
}

TEST_P(ShardServiceContract, DroppingAShardOfAnotherIncarnationLeavesIt) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 5);
  EXPECT_TRUE(service().DropShard(spec.shard, Uuid{{0xab, 0xce}}, Soon()).ok());
  const auto stat = service().Stat(spec.shard, Soon());
  ASSERT_TRUE(stat.ok()) << stat.status();
  EXPECT_EQ(stat->live_points, 5u);
}

TEST_P(ShardServiceContract, EveryCallOnAShardThatIsNotHereSaysSo) {
  ExpectError(SearchNow(service(), Nearest(77, 0, 1)).status(), absl::StatusCode::kNotFound,
              reason::kShardUnavailable);
  ExpectError(WriteNow(service(), Upserts(77, 0, 1)).status(), absl::StatusCode::kNotFound,
              reason::kShardUnavailable);
  ExpectError(GetNow(service(), {.shard = 77, .incarnation = {}, .keys = KeyOf(1)}).status(),
              absl::StatusCode::kNotFound, reason::kShardUnavailable);
  ExpectError(service().Stat(77, Soon()).status(), absl::StatusCode::kNotFound,
              reason::kShardUnavailable);
  ExpectError(service().Verify(77, Soon()).status(), absl::StatusCode::kNotFound,
              reason::kShardUnavailable);
}

TEST_P(ShardServiceContract, AWrittenPointIsFoundByTheNextSearchNearestFirst) {
  const ShardSpec spec = Create();
  const WriteReply written = Store(spec.shard, 0, 20);
  EXPECT_EQ(written.outcomes, std::vector<WriteOutcome>(20, WriteOutcome::kOk));
  EXPECT_EQ(written.live_points, 20u);
  SearchCall call = Nearest(spec.shard, 7, 3);
  call.wait_lsn = written.lsn;
  const auto found = SearchNow(service(), call);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->counts, std::vector<uint32_t>{3});
  // 6 and 8 are equally far: the smaller key comes first.
  EXPECT_EQ(NumberOf(found->keys, 0), 7u);
  EXPECT_EQ(NumberOf(found->keys, 1), 6u);
  EXPECT_EQ(NumberOf(found->keys, 2), 8u);
  EXPECT_EQ(found->scores, (std::vector<float>{0, 1, 1}));
  ASSERT_EQ(found->versions.size(), 3u);
  EXPECT_EQ(found->versions[0], written.versions[7]);
  EXPECT_EQ(found->codes_done, found->codes_planned);
  EXPECT_EQ(found->live_points, 20u);
  EXPECT_GE(found->lsn, written.lsn);
}

TEST_P(ShardServiceContract, ABatchAnswersEachQueryByItself) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 50);
  SearchCall call = Nearest(spec.shard, 0, 1);
  call.count = 32;
  call.queries.clear();
  for (uint32_t i = 0; i < 32; ++i) call.queries += VectorAt(static_cast<float>(i));
  const auto found = SearchNow(service(), call);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->counts, std::vector<uint32_t>(32, 1));
  for (uint32_t i = 0; i < 32; ++i) EXPECT_EQ(NumberOf(found->keys, i), i);
}

TEST_P(ShardServiceContract, AScoreBoundKeepsOnlyWhatIsWithinIt) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 20);
  SearchCall call = Nearest(spec.shard, 10, 20);
  call.score_bound = 4.0f;  // squared distance
  const auto found = SearchNow(service(), call);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->counts, std::vector<uint32_t>{5});  // 8 to 12
}

TEST_P(ShardServiceContract, HitsBehindAPlaceAreTheNextPageAndAllWithinAreCounted) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 20);
  SearchCall call = Nearest(spec.shard, 10, 3);
  call.score_bound = 16.0f;  // 6 to 14
  std::vector<uint64_t> numbers;
  for (int page = 0; page < 3; ++page) {
    const auto found = SearchNow(service(), call);
    ASSERT_TRUE(found.ok()) << found.status();
    ASSERT_EQ(found->counts, std::vector<uint32_t>{3});
    EXPECT_EQ(found->points_within, 9u) << "on whichever page they are";
    for (size_t i = 0; i < 3; ++i) numbers.push_back(NumberOf(found->keys, i));
    call.after = HitPlace{found->scores[2], PointKey::FromNumber(numbers.back())};
  }
  // Of two that are as far the smaller id comes first.
  EXPECT_EQ(numbers, (std::vector<uint64_t>{10, 9, 11, 8, 12, 7, 13, 6, 14}));
  const auto behind = SearchNow(service(), call);
  ASSERT_TRUE(behind.ok()) << behind.status();
  EXPECT_EQ(behind->counts, std::vector<uint32_t>{0});
}

TEST_P(ShardServiceContract, GetReturnsWhatWasStoredAndMarksWhatIsMissing) {
  const ShardSpec spec = Create();
  const WriteReply written = Store(spec.shard, 0, 3);
  GetCall call{.shard = spec.shard,
               .incarnation = spec.incarnation,
               .keys = KeyOf(2) + KeyOf(99) + KeyOf(0)};
  call.with_vector = true;
  call.with_payload = true;
  call.wait_lsn = written.lsn;
  const auto got = GetNow(service(), call);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->found, (std::vector<uint8_t>{1, 0, 1}));
  EXPECT_EQ(got->versions, (std::vector<uint64_t>{written.versions[2], written.versions[0]}));
  EXPECT_EQ(got->vectors, VectorAt(2) + VectorAt(0));
  EXPECT_EQ(got->payloads, "p2p0");
  EXPECT_EQ(got->payload_sizes, (std::vector<uint32_t>{2, 2}));
}

TEST_P(ShardServiceContract, ConditionsDecideEachOperationByItself) {
  const ShardSpec spec = Create();
  const WriteReply first = Store(spec.shard, 1, 3);
  WriteCall call = Upserts(spec.shard, 1, 3);
  call.kinds = {WriteKind::kInsertOnly, WriteKind::kUpdateOnly, WriteKind::kUpsert};
  call.if_versions = {kNoVersionCondition, first.versions[1], first.versions[2] + 7};
  WriteCall missing = Upserts(spec.shard, 50, 1);
  missing.kinds = {WriteKind::kUpdateOnly};

  const auto reply = WriteNow(service(), call);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->outcomes,
            (std::vector<WriteOutcome>{WriteOutcome::kAlreadyExists, WriteOutcome::kOk,
                                       WriteOutcome::kVersionMismatch}));
  EXPECT_GT(reply->versions[1], first.versions[1]);
  EXPECT_EQ(reply->versions[2], first.versions[2]);
  const auto none = WriteNow(service(), missing);
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(none->outcomes, std::vector<WriteOutcome>{WriteOutcome::kNotFound});
}

TEST_P(ShardServiceContract, ADeletedPointIsNotFoundAgain) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 5);
  WriteCall remove;
  remove.shard = spec.shard;
  remove.incarnation = spec.incarnation;
  remove.kinds = {WriteKind::kDelete, WriteKind::kDelete};
  remove.keys = KeyOf(2) + KeyOf(99);
  const auto removed = WriteNow(service(), remove);
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_EQ(removed->outcomes,
            (std::vector<WriteOutcome>{WriteOutcome::kOk, WriteOutcome::kNotFound}));
  EXPECT_EQ(removed->live_points, 4u);
  SearchCall call = Nearest(spec.shard, 2, 10);
  call.wait_lsn = removed->lsn;
  const auto found = SearchNow(service(), call);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->counts, std::vector<uint32_t>{4});
  for (size_t i = 0; i < 4; ++i) EXPECT_NE(NumberOf(found->keys, i), 2u);
}

TEST_P(ShardServiceContract, ARepeatedRequestIdAnswersAsBeforeButNotForAnotherBody) {
  const ShardSpec spec = Create();
  WriteCall call = Upserts(spec.shard, 0, 2);
  call.request_id = std::string(16, 'r');
  call.body_hash = std::string(16, 'a');
  const auto first = WriteNow(service(), call);
  const auto again = WriteNow(service(), call);
  ASSERT_TRUE(first.ok() && again.ok()) << first.status() << again.status();
  EXPECT_EQ(again->versions, first->versions);
  EXPECT_EQ(again->outcomes, first->outcomes);
  EXPECT_EQ(again->lsn, first->lsn);
  call.body_hash = std::string(16, 'b');
  ExpectError(WriteNow(service(), call).status(), absl::StatusCode::kInvalidArgument,
              reason::kRequestIdReused);
}

TEST_P(ShardServiceContract, APointOutsideOfTheShardsSlotsIsRefused) {
  ShardSpec spec;
  spec.shard = 5;
  spec.collection = "half";
  spec.incarnation = Incarnation();
  spec.dimension = kDimension;
  const PointKey key = PointKey::FromNumber(0);
  const uint32_t slot = SlotOf(key);
  spec.slots = {{0, slot}, {slot + 1, limits::kSlots}};
  if (slot == 0) spec.slots.erase(spec.slots.begin());
  ASSERT_TRUE(service().CreateShard(spec, Soon()).ok());
  ExpectError(WriteNow(service(), Upserts(5, 0, 1)).status(), absl::StatusCode::kFailedPrecondition,
              reason::kWrongShard);
}

TEST_P(ShardServiceContract, ASearchUnderAnIndexVersionThatIsNotHereIsRefused) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 5);
  SearchCall call = Nearest(spec.shard, 0, 1);
  call.index_version = std::string(32, 'a');
  ExpectError(SearchNow(service(), call).status(), absl::StatusCode::kFailedPrecondition,
              reason::kIndexVersionNotReady);
}

TEST_P(ShardServiceContract, SampleHashesAscendAndChunksGiveEveryPointOnce) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 300);
  const auto hashes = service().SampleHashes({spec.shard, 9, 100}, Soon());
  ASSERT_TRUE(hashes.ok()) << hashes.status();
  ASSERT_EQ(hashes->size(), 100u);
  EXPECT_TRUE(std::is_sorted(hashes->begin(), hashes->end()));
  const uint64_t end = hashes->back() + 1;

  std::vector<uint64_t> read;
  uint64_t begin = 0;
  while (true) {
    const auto chunk = service().ReadSample({spec.shard, 9, begin, end, 4096}, Soon());
    ASSERT_TRUE(chunk.ok()) << chunk.status();
    if (chunk->hashes.empty()) break;
    ASSERT_EQ(chunk->keys.size(), chunk->hashes.size() * PointKey::kSize);
    ASSERT_EQ(chunk->vectors.size(), chunk->hashes.size() * kDimension * sizeof(float));
    for (size_t i = 0; i < chunk->hashes.size(); ++i) {
      const uint64_t number = NumberOf(chunk->keys, i);
      EXPECT_EQ(chunk->hashes[i], SampleHash(9, PointKey::FromNumber(number)));
      EXPECT_EQ(chunk->vectors.substr(i * 16, 16), VectorAt(static_cast<float>(number)));
    }
    read.insert(read.end(), chunk->hashes.begin(), chunk->hashes.end());
    begin = read.back() + 1;
  }
  EXPECT_EQ(read, *hashes);
}

TEST_P(ShardServiceContract, VerifyFindsTruthAndIndexEqual) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 50);
  const auto verified = service().Verify(spec.shard, Soon());
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->truth_mismatches, 0u);
  EXPECT_EQ(verified->index_mismatches, 0u);
  EXPECT_EQ(verified->live_points, 50u);
}

TEST_P(ShardServiceContract, AnArtifactThatIsNotHereIsNotFound) {
  const auto chunk = service().ReadArtifact(std::string(32, 'f'), 0, Soon());
  EXPECT_EQ(chunk.status().code(), absl::StatusCode::kNotFound) << chunk.status();
  EXPECT_EQ(service().GetTraining("nothing", Soon()).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(ShardServiceContract, ManyCallsAtOnceAreEachAnsweredOnceAndToTheRightCaller) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 200);
  constexpr size_t kCalls = 1000;
  std::vector<std::atomic<int>> answers(kCalls);
  std::atomic<size_t> wrong{0};
  std::atomic<size_t> left{kCalls};
  for (size_t i = 0; i < kCalls; ++i) {
    service().Search(Nearest(spec.shard, static_cast<float>(i % 200), 1), Soon(),
                     [&, i](absl::StatusOr<SearchReply> reply) {
                       if (!reply.ok() || NumberOf(reply->keys, 0) != i % 200) ++wrong;
                       ++answers[i];
                       --left;
                     });
  }
  const Deadline give_up = Soon();
  while (left > 0 && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  ASSERT_EQ(left, 0u);
  EXPECT_EQ(wrong, 0u);
  for (const auto& count : answers) EXPECT_EQ(count, 1);
}

TEST_P(ShardServiceContract, ALargeWriteArrivesWhole) {
  ShardSpec spec;
  spec.shard = 6;
  spec.collection = "large";
  spec.incarnation = Incarnation();
  spec.dimension = 1024;
  spec.slots = {{0, limits::kSlots}};
  ASSERT_TRUE(service().CreateShard(spec, Soon()).ok());
  WriteCall call;
  call.shard = 6;
  call.incarnation = Incarnation();
  for (uint64_t i = 0; i < 2000; ++i) {  // 8 MB: more than a frame wants to be
    call.kinds.push_back(WriteKind::kUpsert);
    call.keys += KeyOf(i);
    const std::vector<float> vector(1024, static_cast<float>(i));
    call.vectors.append(reinterpret_cast<const char*>(vector.data()), 4096);
  }
  const auto reply = WriteNow(service(), std::move(call));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->live_points, 2000u);
  GetCall get{.shard = 6, .incarnation = Incarnation(), .keys = KeyOf(1999)};
  get.with_vector = true;
  const auto got = GetNow(service(), get);
  ASSERT_TRUE(got.ok()) << got.status();
  float last = 0;
  ASSERT_EQ(got->vectors.size(), 4096u);
  std::memcpy(&last, got->vectors.data() + 4092, 4);
  EXPECT_EQ(last, 1999);
}

TEST_P(ShardServiceContract, ACallWhoseDeadlineHasPassedIsAnsweredAllTheSame) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 10);
  const Deadline past = DeadlineIn(std::chrono::seconds(-1));
  const auto found = SearchNow(service(), Nearest(spec.shard, 0, 1), past);
  EXPECT_TRUE(found.ok() || found.status().code() == absl::StatusCode::kDeadlineExceeded)
      << found.status();
  // It never began, and that is known: nothing is in doubt.
  ExpectError(WriteNow(service(), Upserts(spec.shard, 10, 1), past).status(),
              absl::StatusCode::kDeadlineExceeded, reason::kDeadline);
  EXPECT_EQ(service().Stat(spec.shard, Soon())->live_points, 10u);
}

}  // namespace kith::testing
