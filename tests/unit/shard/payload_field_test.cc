// Payload fields that are indexed and dropped while a shard has points: what was there is gone
// through behind the writes, and no filter is answered from a part of it.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <condition_variable>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <random>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/unit/shard/node_fixture.h"
#include "tests/unit/shard/steered_disk.h"

namespace kith::shard {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using test::Calls;
using test::DiskCall;
using ::testing::HasSubstr;

constexpr uint64_t kPiece = 1024;  // rows that a step takes

// Lets as many steps pass as it is told. Threads: any.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return allowed_ > 0; });
    --allowed_;
  }
  void Allow(int64_t steps) {
    std::lock_guard lock(mutex_);
    allowed_ = steps;
    wake_.notify_all();
  }
  void Open() { Allow(int64_t{1} << 60); }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  int64_t allowed_ = 0;
};

std::map<std::string, std::pair<uintmax_t, fs::file_time_type>> FilesUnder(
    const std::string& path) {
  std::map<std::string, std::pair<uintmax_t, fs::file_time_type>> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    std::error_code gone;
    if (!entry.is_regular_file(gone)) continue;
    files[entry.path()] = {entry.file_size(gone), entry.last_write_time(gone)};
  }
  return files;
}

// Of a directory that is in use: false where a file changed meanwhile.
bool CopyOfOneMoment(const std::string& from, const std::string& to) {
  fs::remove_all(to);
  std::error_code error;
  const auto before = FilesUnder(from);
  fs::copy(from, to, fs::copy_options::recursive, error);
  return !error && FilesUnder(from) == before;
}

class PayloadFieldTest : public NodeFixture {
 protected:
  void SetUp() override {
    options_.row_extent_bits = 9;
    options_.maintenance_threads = 2;  // one may stand at the gate
    options_.tick_every = std::chrono::milliseconds(5);
    options_.before_fields = [this] { gate_.Pass(); };
    NodeFixture::SetUp();
    ShardSpec spec = Spec(2);
    spec.payload_fields = {{"color", FieldType::kKeyword}};
    ASSERT_TRUE(node_->CreateShard(spec, Soon()).ok());
  }
  void TearDown() override {
    gate_.Open();
    NodeFixture::TearDown();
  }

  // As a kill ends it: with the files as they are now, for a node that ends writes its state down.
  void Kill() {
    const std::string left = directory_ + ".left";
    ASSERT_TRUE(Within(seconds(30), [&] { return CopyOfOneMoment(directory_, left); }));
    gate_.Open();
    node_.reset();
    gate_.Allow(0);
    fs::remove_all(directory_);
    fs::rename(left, directory_);
    ASSERT_TRUE(Start().ok());
  }

  absl::Status Set(uint64_t revision, PayloadSchema fields) {
    return node_->SetPayloadFields({7, Spec(1).incarnation, revision, std::move(fields)}, Soon());
  }
  static PayloadSchema WithYear() {
    return {{"color", FieldType::kKeyword}, {"year", FieldType::kInteger}};
  }
  FieldStat FieldAt(size_t place) const {
    const auto stat = node_->Stat(7, Soon());
    return stat.ok() && place < stat->fields.size() ? stat->fields[place] : FieldStat();
  }
  bool AwaitState(size_t place, FieldState state) const {
    return Within(seconds(30), [&] { return FieldAt(place).state == state; });
  }
  bool AwaitBuilt(size_t place, uint64_t rows) const {
    return Within(seconds(30), [&] { return FieldAt(place).built_rows >= rows; });
  }

  static std::string Json(int64_t year) {
    return fmt::format(R"({{"color": "{}", "year": {}}})", year % 2 == 0 ? "red" : "blue", year);
  }
  void PutYears(uint64_t first, uint64_t count) {
    WriteCall call;
    for (uint64_t id = first; id < first + count; ++id) {
      const auto year = static_cast<int64_t>(id % 50);
      AddPut(id, Json(year), call);
      years_[id] = year;
    }
    const auto reply = Write(std::move(call));
    ASSERT_TRUE(reply.ok()) << reply.status();
  }
  static void AddPut(uint64_t id, const std::string& payload, WriteCall& call) {
    call.kinds.push_back(WriteKind::kUpsert);
    call.keys += Key(id);
    call.vectors += Bytes({static_cast<float>(id), 1});
    call.payload_sizes.push_back(static_cast<uint32_t>(payload.size()));
    call.payloads += payload;
  }
  absl::Status PutOne(uint64_t id, const std::string& payload) {
    return Write(Put(id, {1, 1}, payload)).status();
  }
  absl::Status Merge(uint64_t id, const std::string& change) {
    WriteCall call;
    call.kinds = {WriteKind::kMergePayload};
    call.keys = Key(id);
    call.change = change;
    return Write(std::move(call)).status();
  }

  void RemoveAll(const std::vector<uint64_t>& ids) {
    WriteCall call;
    for (const uint64_t id : ids) {
      call.kinds.push_back(WriteKind::kDelete);
      call.keys += Key(id);
      years_.erase(id);
    }
    ASSERT_TRUE(Write(std::move(call)).ok());
  }

  static std::shared_ptr<Filter> IsOf(const std::string& field, FieldValue value) {
    auto filter = std::make_shared<Filter>();
    filter->kind = Filter::Kind::kMatch;
    filter->field = field;
    filter->values = {std::move(value)};
    return filter;
  }
  absl::StatusOr<uint64_t> Count(std::shared_ptr<const Filter> filter) {
    SearchCall call = Query({0, 0}, 1);
    call.filter = std::move(filter);
    const auto reply = Search(std::move(call));
    if (!reply.ok()) return reply.status();
    return reply->filter_points;
  }
  std::string ReasonOfFilter(const std::string& field, FieldValue value) {
    return std::string(ReasonOf(Count(IsOf(field, std::move(value))).status()));
  }
  // Each year's points are those that a walk over the model finds, by count and by scroll.
  void ExpectYearsAsWalked() {
    std::map<int64_t, uint64_t> walked;
    for (const auto& [id, year] : years_) ++walked[year];
    for (int64_t year = -1; year < 60; ++year) {
      const auto counted = Count(IsOf("year", year));
      ASSERT_TRUE(counted.ok()) << counted.status();
      ASSERT_EQ(*counted, walked.contains(year) ? walked[year] : 0) << year;
    }
    ScrollCall call;
    call.slot_end = limits::kSlots;
    call.limit = 500;
    call.filter = IsOf("year", int64_t{7});
    std::vector<uint64_t> scrolled = ScrollAll(std::move(call));
    std::sort(scrolled.begin(), scrolled.end());
    std::vector<uint64_t> expected;
    for (const auto& [id, year] : years_) {
      if (year == 7) expected.push_back(id);
    }
    EXPECT_EQ(scrolled, expected);
  }

  Gate gate_;
  std::map<uint64_t, int64_t> years_;
};

TEST_F(PayloadFieldTest, AFieldIsRefusedUntilAllThatWasThereIsInItAndThenFoundAsAWalkFindsIt) {
  PutYears(0, 5000);
  EXPECT_EQ(ReasonOfFilter("year", int64_t{7}), reason::kBadFilter);
  ASSERT_TRUE(Set(1, WithYear()).ok());
  EXPECT_EQ(FieldAt(1).state, FieldState::kBuilding);
  gate_.Allow(2);
  ASSERT_TRUE(AwaitBuilt(1, 2 * kPiece));
  const absl::Status refused = Count(IsOf("year", int64_t{7})).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused), reason::kPayloadIndexBuilding);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("41 %"));
  FacetCall facet;
  facet.field = "year";
  EXPECT_EQ(ReasonOf(Facet(std::move(facet)).status()), reason::kPayloadIndexBuilding);
  EXPECT_EQ(*Count(IsOf("color", std::string("red"))), 2500u) << "others answer all along";
  ExpectVerified(5000);
  gate_.Open();
  ASSERT_TRUE(AwaitState(1, FieldState::kReady));
  ExpectYearsAsWalked();
  ExpectVerified(5000);
  ASSERT_TRUE(Set(1, WithYear()).ok()) << "told again it changes nothing";
  EXPECT_EQ(FieldAt(1).state, FieldState::kReady);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(FieldAt(1).state, FieldState::kReady) << "what was reported ready stays so";
  ExpectYearsAsWalked();
  ExpectVerified(5000);
}

TEST_F(PayloadFieldTest, WhatIsWrittenDeletedChangedAndMovedMeanwhileIsInTheFieldOnce) {
  PutYears(0, 6000);
  ASSERT_TRUE(Set(1, WithYear()).ok());
  std::mt19937 random(3);
  for (int step = 0; step < 5; ++step) {
    gate_.Allow(1);
    ASSERT_TRUE(AwaitBuilt(1, (step + 1) * kPiece));
    PutYears(random() % 6000, 200);  // over some, in the part that is done and the other
    PutYears(6000 + step * 10, 10);  // and new ones
    std::vector<uint64_t> gone;
    for (int i = 0; i < 100; ++i) gone.push_back(random() % 6000);
    RemoveAll(gone);
    for (uint64_t id = random() % 6000; id < 6000; id += 997) {
      if (!years_.contains(id)) continue;
      ASSERT_TRUE(Merge(id, R"({"year": 55})").ok());
      years_[id] = 55;
    }
    ASSERT_EQ(ReasonOfFilter("year", int64_t{7}), reason::kPayloadIndexBuilding);
  }
  gate_.Open();
  ASSERT_TRUE(AwaitState(1, FieldState::kReady));
  ExpectYearsAsWalked();
  ExpectVerified(years_.size());
  FacetCall facet;
  facet.field = "year";
  const auto counts = Facet(std::move(facet));
  ASSERT_TRUE(counts.ok());
  uint64_t points = 0;
  for (const uint64_t count : counts->counts) points += count;
  EXPECT_EQ(points, years_.size()) << "no point twice";
  Kill();
  ExpectYearsAsWalked();
  ExpectVerified(years_.size());
}

TEST_F(PayloadFieldTest, RowsThatMoveBeforeTheyAreLookedAtAreInTheField) {
  PutYears(0, 4000);
  WriteCall misfit;
  AddPut(1021, R"({"year": "x"})", misfit);
  ASSERT_TRUE(Write(std::move(misfit)).ok());
  years_.erase(1021);
  ASSERT_TRUE(Set(1, WithYear()).ok());
  std::vector<uint64_t> gone;
  for (uint64_t id = 0; id < 4000; ++id) {
    if (id % 8 != 0 && id != 1021) gone.push_back(id);
  }
  RemoveAll(gone);
  clock_.Advance(seconds(5));
  ASSERT_TRUE(Within(seconds(30), [&] { return node_->health().upkeep.moved_rows > 100; }));
  gate_.Open();
  ASSERT_TRUE(Within(seconds(30), [&] { return FieldAt(1).built_rows == FieldAt(1).total_rows; }));
  EXPECT_EQ(FieldAt(1).state, FieldState::kBuilding) << "the one that does not fit may have moved";
  EXPECT_EQ(FieldAt(1).misfits, 1u);
  EXPECT_EQ(FieldAt(1).first_misfit, Key(1021));
  ASSERT_TRUE(Set(2, {{"color", FieldType::kKeyword}}).ok());
  ASSERT_TRUE(AwaitState(1, FieldState::kFree));
  ASSERT_TRUE(Write(Remove(1021)).ok());
  ASSERT_TRUE(Set(3, WithYear()).ok());
  ASSERT_TRUE(AwaitState(1, FieldState::kReady));
  ExpectYearsAsWalked();
  ExpectVerified(years_.size());
}

TEST_F(PayloadFieldTest, AKillInTheMiddleGoesOnWhereTheStateWasAndLosesNothing) {
  PutYears(0, 5000);
  ASSERT_TRUE(Set(1, WithYear()).ok());
  Kill();
  EXPECT_EQ(FieldAt(1).state, FieldState::kBuilding) << "that it is to be indexed is durable";
  PutYears(5000, 300);
  gate_.Allow(2);
  ASSERT_TRUE(AwaitBuilt(1, 2 * kPiece));
  ASSERT_TRUE(Set(1, WithYear()).ok());  // which makes it durable
  PutYears(100, 50);
  gate_.Allow(1);
  ASSERT_TRUE(AwaitBuilt(1, 3 * kPiece));
  Kill();
  EXPECT_EQ(FieldAt(1).built_rows, 2 * kPiece) << "it goes on where it was, and not before";
  EXPECT_EQ(ReasonOfFilter("year", int64_t{7}), reason::kPayloadIndexBuilding);
  ExpectVerified(5300);
  gate_.Open();
  ASSERT_TRUE(AwaitState(1, FieldState::kReady));
  ExpectYearsAsWalked();
  ExpectVerified(5300);
  Kill();
  EXPECT_EQ(FieldAt(1).state, FieldState::kReady);
  ExpectYearsAsWalked();
}

TEST_F(PayloadFieldTest, PayloadsThatDoNotFitAreCountedAndTheFieldNeverAnswers) {
  PutYears(0, 1500);
  for (const uint64_t id : {3u, 1200u, 1300u}) {
    ASSERT_TRUE(PutOne(id, R"({"color": "red", "year": "then"})").ok());
  }
  ASSERT_TRUE(Set(1, WithYear()).ok());
  EXPECT_EQ(ReasonOf(PutOne(9000, R"({"year": "x"})")), reason::kBadPayload) << "from now on";
  EXPECT_EQ(ReasonOf(Merge(3, R"({"year": 1.5})")), reason::kBadPayload);
  ASSERT_TRUE(Merge(1200, R"({"color": "blue"})").ok()) << "what does not fit is not touched";
  ASSERT_TRUE(Merge(1300, R"({"year": 4})").ok()) << "and mended before anybody looked";
  gate_.Open();
  ASSERT_TRUE(Within(seconds(30), [&] {
    const FieldStat field = FieldAt(1);
    return field.total_rows > 0 && field.built_rows == field.total_rows;
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_EQ(FieldAt(1).state, FieldState::kBuilding);
  ASSERT_TRUE(Merge(3, R"({"color": "green"})").ok());
  EXPECT_EQ(FieldAt(1).misfits, 2u) << "it was counted already";
  EXPECT_EQ(ReasonOfFilter("year", int64_t{4}), reason::kPayloadIndexBuilding);
  ExpectVerified(1500);
  Kill();
  gate_.Open();
  ASSERT_TRUE(Within(seconds(30), [&] { return FieldAt(1).misfits == 2; })) << "after a start, too";
  ASSERT_TRUE(Set(2, {{"color", FieldType::kKeyword}}).ok());
  EXPECT_EQ(ReasonOfFilter("year", int64_t{4}), reason::kBadFilter);
  ASSERT_TRUE(PutOne(9000, R"({"year": "x"})").ok()) << "nothing is held to it any more";
  EXPECT_EQ(*Count(IsOf("color", std::string("red"))), 749u);
  ExpectVerified(1501);
}

TEST_F(PayloadFieldTest, PayloadsThatAreNoJsonCountAsMisfitsWhereNothingWasIndexedBefore) {
  ShardSpec spec = Spec(2);
  spec.shard = shard_ = 8;
  ASSERT_TRUE(node_->CreateShard(spec, Soon()).ok());
  ASSERT_TRUE(PutOne(1, "\x01\x02").ok());
  ASSERT_TRUE(PutOne(2, "").ok());
  ASSERT_TRUE(PutOne(3, R"({"year": 3})").ok());
  gate_.Open();
  const auto set = [&](uint64_t revision) {
    const SetFieldsCall call{8, Spec(1).incarnation, revision, {{"year", FieldType::kInteger}}};
    return node_->SetPayloadFields(call, Soon());
  };
  ASSERT_TRUE(set(1).ok());
  ASSERT_TRUE(Within(seconds(30), [&] { return node_->Stat(8, Soon())->fields[0].misfits == 1; }));
  EXPECT_EQ(node_->Stat(8, Soon())->fields[0].first_misfit, Key(1));
  ASSERT_TRUE(Write(Remove(1)).ok());
  ASSERT_TRUE(node_->SetPayloadFields({8, Spec(1).incarnation, 2, {}}, Soon()).ok());
  ASSERT_TRUE(Within(seconds(30), [&] { return set(3).ok(); }));
  ASSERT_TRUE(Within(
      seconds(30), [&] { return node_->Stat(8, Soon())->fields[0].state == FieldState::kReady; }));
  EXPECT_EQ(*Count(IsOf("year", int64_t{3})), 1u);
  ExpectVerified(2);
}

TEST_F(PayloadFieldTest, ADroppedFieldIsRefusedAtOnceAndItsPlaceTakesAnotherOfWhichNothingIsLeft) {
  PutYears(0, 3000);
  gate_.Open();
  ASSERT_TRUE(Set(1, WithYear()).ok());
  ASSERT_TRUE(AwaitState(1, FieldState::kReady));
  ASSERT_EQ(*Count(IsOf("year", int64_t{7})), 60u);
  const uint64_t memory = node_->Stat(7, Soon())->memory.payload_index;
  gate_.Allow(0);
  ASSERT_TRUE(Set(2, {{"color", FieldType::kKeyword}}).ok());
  EXPECT_EQ(ReasonOfFilter("year", int64_t{7}), reason::kBadFilter);
  ExpectVerified(3000);
  const PayloadSchema other = {{"color", FieldType::kKeyword}, {"height", FieldType::kInteger}};
  EXPECT_EQ(ReasonOf(Set(3, other)), reason::kNotReady) << "its memory is not given back yet";
  EXPECT_EQ(node_->Stat(7, Soon())->fields_revision, 2u);
  gate_.Open();
  ASSERT_TRUE(AwaitState(1, FieldState::kFree));
  EXPECT_LT(node_->Stat(7, Soon())->memory.payload_index, memory);
  ASSERT_TRUE(Set(3, other).ok());
  ASSERT_TRUE(AwaitState(1, FieldState::kReady));
  EXPECT_EQ(*Count(IsOf("height", int64_t{7})), 0u) << "nobody has one";
  ASSERT_TRUE(PutOne(1, R"({"height": 7})").ok());
  EXPECT_EQ(*Count(IsOf("height", int64_t{7})), 1u);
  ExpectVerified(3000);
  Kill();
  gate_.Open();
  EXPECT_EQ(*Count(IsOf("height", int64_t{7})), 1u) << "nor in the state";
  EXPECT_EQ(*Count(IsOf("color", std::string("red"))), 1500u);
  ExpectVerified(3000);
}

TEST_F(PayloadFieldTest, ACallThatComesLateChangesNothing) {
  PutYears(0, 10);
  gate_.Open();
  ASSERT_TRUE(Set(5, WithYear()).ok());
  const absl::Status late = Set(4, {});
  EXPECT_EQ(late.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(late), reason::kVersionMismatch);
  ASSERT_TRUE(AwaitState(1, FieldState::kReady));
  const SetFieldsCall other{7, Uuid::Random(), 6, {}};
  EXPECT_EQ(ReasonOf(node_->SetPayloadFields(other, Soon())), reason::kWrongIncarnation);
}

TEST_F(PayloadFieldTest, AFieldAddedAgainAsAnotherTypeIsNotAnsweredFromWhatIsRemembered) {
  ASSERT_TRUE(PutOne(1, R"({"year": 2})").ok());
  ASSERT_TRUE(PutOne(2, R"({"year": 2.5})").ok());
  gate_.Open();
  const auto as = [](FieldType type) {
    return PayloadSchema{{"color", FieldType::kKeyword}, {"year", type}};
  };
  ASSERT_TRUE(Set(1, as(FieldType::kDouble)).ok());
  ASSERT_TRUE(AwaitState(1, FieldState::kReady));
  EXPECT_EQ(*Count(IsOf("year", 2.5)), 1u);
  EXPECT_EQ(*Count(IsOf("year", 2.5)), 1u) << "from the cache";
  gate_.Allow(0);
  EXPECT_EQ(ReasonOf(Set(2, as(FieldType::kInteger))), reason::kNotReady);
  EXPECT_EQ(ReasonOfFilter("year", 2.5), reason::kBadFilter) << "dropped, though not by revision";
  gate_.Open();
  ASSERT_TRUE(Set(2, {{"color", FieldType::kKeyword}}).ok());
  EXPECT_EQ(ReasonOfFilter("year", 2.5), reason::kBadFilter);
  ASSERT_TRUE(AwaitState(1, FieldState::kFree));
  ASSERT_TRUE(Set(3, as(FieldType::kInteger)).ok());
  EXPECT_NE(ReasonOfFilter("year", int64_t{2}), "");
}

// The writer stands in the sync of one call; behind it wait a call that was let in while the field
// was nobody's, and the field.
class PayloadFieldDiskTest : public PayloadFieldTest {
 protected:
  void SetUp() override {
    options_.files = &disk_.files();
    PayloadFieldTest::SetUp();
  }
  void TearDown() override {
    disk_.Release();
    PayloadFieldTest::TearDown();
  }
  test::SteeredDisk disk_;
};

// The step has read the row when the delete, which was logged before, is applied.
TEST_F(PayloadFieldDiskTest, ARowThatDiesBetweenItsReadingAndItsTurnGetsNoPosting) {
  PutYears(0, 100);
  ASSERT_TRUE(Set(1, WithYear()).ok());
  disk_.Hold(Calls(DiskCall::Kind::kAppend, "/log/"));
  auto removed = std::async(std::launch::async, [this] { return Write(Remove(7)).status(); });
  ASSERT_TRUE(Within(seconds(20), [&] { return disk_.waiting() > 0; }));
  gate_.Open();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // it waits for the writer
  disk_.Release();
  ASSERT_TRUE(removed.get().ok());
  years_.erase(7);
  ASSERT_TRUE(AwaitState(1, FieldState::kReady));
  ExpectYearsAsWalked();
  ExpectVerified(99);
}

TEST_F(PayloadFieldDiskTest, AWriteThatWaitedWhileAFieldWasAddedIsHeldToIt) {
  using Answer = std::promise<absl::StatusOr<WriteReply>>;
  const auto start = [this](WriteCall call, Answer& answer) {
    call.shard = 7;
    call.incarnation = Spec(1).incarnation;
    node_->Write(std::move(call), Soon(), [&](auto reply) { answer.set_value(reply); });
  };
  Answer first;
  Answer bad;
  Answer good;
  disk_.Hold(Calls(DiskCall::Kind::kAppend, "/log/"));
  start(Put(1, {1, 1}, R"({"year": "x"})"), first);
  ASSERT_TRUE(Within(seconds(20), [&] { return disk_.waiting() > 0; }));
  start(Put(2, {1, 1}, R"({"year": "x"})"), bad);
  start(Put(3, {1, 1}, R"({"year": 3})"), good);
  auto set = std::async(std::launch::async, [this] { return Set(1, WithYear()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // it waits for the writer
  disk_.Release();
  ASSERT_TRUE(set.get().ok());
  EXPECT_TRUE(first.get_future().get().ok());
  EXPECT_EQ(ReasonOf(bad.get_future().get().status()), reason::kBadPayload);
  EXPECT_TRUE(good.get_future().get().ok());
  gate_.Open();
  ASSERT_TRUE(Within(seconds(30), [&] { return FieldAt(1).misfits == 1; }));
  EXPECT_EQ(FieldAt(1).first_misfit, Key(1));
}

}  // namespace
}  // namespace kith::shard
