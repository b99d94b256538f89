// Random filters over random points against a brute force, with one shard and with four, without an
// index and with one, through updates, deletes, row moves and restarts.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using Kind = Filter::Kind;

const PayloadSchema kSchema = {{"tags", FieldType::kKeyword},
                               {"year", FieldType::kInteger},
                               {"price", FieldType::kDouble},
                               {"new", FieldType::kBoolean}};
constexpr uint64_t kIds = 3000;

struct Document {
  std::vector<float> vector;
  std::set<std::string> tags;
  std::optional<int64_t> year;
  std::optional<double> price;
  std::optional<bool> is_new;
};

std::string JsonOf(const Document& document) {
  std::string json = "{\"more\": [1, {\"year\": \"x\"}]";
  if (!document.tags.empty()) {
    json += ", \"tags\": [";
    for (const std::string& tag : document.tags) {
      json += (tag == *document.tags.begin() ? "\"" : ", \"") + tag + "\"";
    }
    json += "]";
  }
  if (document.year.has_value()) json += ", \"year\": " + std::to_string(*document.year);
  if (document.price.has_value()) json += ", \"price\": " + std::to_string(*document.price);
  if (document.is_new.has_value())
    json += *document.is_new ? ", \"new\": true" : ", \"new\": false";
  return json + "}";
}

template <typename Value>
bool IsWithin(const Filter& filter, const std::optional<Value>& value) {
  if (!value.has_value()) return false;
  if (filter.low.has_value()) {
    const Value low = std::get<Value>(filter.low->value);
    if (filter.low->is_inclusive ? *value < low : *value <= low) return false;
  }
  if (!filter.high.has_value()) return true;
  const Value high = std::get<Value>(filter.high->value);
  return filter.high->is_inclusive ? *value <= high : *value < high;
}

template <typename Value>
bool IsAmong(const Filter& filter, const std::optional<Value>& value) {
  return value.has_value() &&
         std::any_of(filter.values.begin(), filter.values.end(),
                     [&](const FieldValue& one) { return std::get<Value>(one) == *value; });
}

bool HasField(const Document& document, const std::string& field) {
  if (field == "tags") return !document.tags.empty();
  if (field == "year") return document.year.has_value();
  return field == "price" ? document.price.has_value() : document.is_new.has_value();
}

bool Matches(const Filter& filter, const Document& document) {
  if (filter.field == "year") return IsAmong(filter, document.year);
  if (filter.field == "price") return IsAmong(filter, document.price);
  if (filter.field == "new") return IsAmong(filter, document.is_new);
  return std::any_of(document.tags.begin(), document.tags.end(), [&](const std::string& tag) {
    return IsAmong(filter, std::optional<std::string>(tag));
  });
}

bool Passes(const Filter& filter, uint64_t id, const Document& document) {
  const auto part_passes = [&](const Filter& part) { return Passes(part, id, document); };
  switch (filter.kind) {
    case Kind::kAllOf:
      return std::all_of(filter.parts.begin(), filter.parts.end(), part_passes);
    case Kind::kAnyOf:
      return std::any_of(filter.parts.begin(), filter.parts.end(), part_passes);
    case Kind::kNoneOf:
      return std::none_of(filter.parts.begin(), filter.parts.end(), part_passes);
    case Kind::kMatch:
      return Matches(filter, document);
    case Kind::kRange:
      return filter.field == "year" ? IsWithin(filter, document.year)
                                    : IsWithin(filter, document.price);
    case Kind::kExists:
      return HasField(document, filter.field);
    case Kind::kHasId:
      for (size_t at = 0; at < filter.keys.size(); at += PointKey::kSize) {
        if (PointKey::FromBytes(filter.keys.data() + at).number() == id) return true;
      }
      return false;
  }
  return false;
}

std::shared_ptr<const Filter> NewOnes() {
  auto filter = std::make_shared<Filter>();
  filter->kind = Kind::kMatch;
  filter->field = "new";
  filter->values = {true};
  return filter;
}

class FilterTest : public NodeFixture {
 protected:
  void SetUp() override {
    options_.row_extent_bits = 9;
    options_.filter_exact_rows = 100;  // with more than that the lists are what is tested
    options_.tick_every = std::chrono::milliseconds(5);
    options_.write_buffer_bytes = 1 << 20;
    NodeFixture::SetUp();
  }

  void CreateShards(uint32_t count) {
    const uint32_t slots = limits::kSlots / count;
    for (uint32_t i = 0; i < count; ++i) {
      ShardSpec spec = Spec(2);
      spec.shard = 7 + i;
      spec.slots = {{i * slots, (i + 1) * slots}};
      spec.payload_fields = kSchema;
      ASSERT_TRUE(node_->CreateShard(spec, Soon()).ok());
      shards_.push_back(spec.shard);
    }
  }

  uint32_t Random(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  std::string RandomTag() { return "t" + std::to_string(Random(12)); }
  int64_t RandomYear() { return int64_t{Random(400)} - 200; }
  double RandomPrice() { return (static_cast<int>(Random(4000)) - 1000) / 4.0; }

  Document RandomDocument() {
    Document document;
    const auto coordinate = [&] { return static_cast<float>(Random(100'000)) / 7; };
    document.vector = {coordinate(), coordinate()};
    for (uint32_t i = Random(4); i > 0; --i) document.tags.insert(RandomTag());
    if (Random(4) != 0) document.year = RandomYear();
    if (Random(4) != 0) document.price = RandomPrice();
    if (Random(4) != 0) document.is_new = Random(2) == 0;
    return document;
  }

  FieldValue RandomValue(const std::string& field) {
    if (field == "tags") return RandomTag();
    if (field == "year") return RandomYear();
    if (field == "price") return RandomPrice();
    return Random(2) == 0;
  }

  Filter RandomFilter(uint32_t depth) {
    Filter filter;
    const bool is_leaf = depth == 0 || Random(3) == 0;
    filter.kind = static_cast<Kind>(is_leaf ? 4 + Random(4) : 1 + Random(3));
    const char* const fields[] = {"year", "price", "tags", "new"};
    if (!is_leaf) {
      for (uint32_t i = 1 + Random(3); i > 0; --i) filter.parts.push_back(RandomFilter(depth - 1));
      return filter;
    }
    if (filter.kind == Kind::kHasId) {
      for (uint32_t i = 1 + Random(200); i > 0; --i) filter.keys += Key(Random(kIds));
      return filter;
    }
    filter.field = fields[Random(filter.kind == Kind::kRange ? 2 : 4)];
    if (filter.kind == Kind::kMatch) {
      for (uint32_t i = 1 + Random(5); i > 0; --i)
        filter.values.push_back(RandomValue(filter.field));
    }
    if (filter.kind == Kind::kRange) {
      const uint32_t ends = 1 + Random(3);
      if ((ends & 1) != 0) filter.low = {RandomValue(filter.field), Random(2) == 0};
      if ((ends & 2) != 0) filter.high = {RandomValue(filter.field), Random(2) == 0};
    }
    return filter;
  }

  ShardId ShardOf(uint64_t id) const {
    const size_t slots = limits::kSlots / shards_.size();
    return shards_[SlotOf(PointKey::FromNumber(id)) / slots];
  }

  // Writes `count` operations on random ids below `ids`, one in `deletes` a delete, in one call a
  // shard: several may be of one point.
  void WriteSome(uint32_t count, uint64_t ids, uint32_t deletes) {
    std::map<ShardId, WriteCall> calls;
    for (uint32_t i = 0; i < count; ++i) {
      const uint64_t id = Random(static_cast<uint32_t>(ids));
      WriteCall& call = calls[ShardOf(id)];
      call.keys += Key(id);
      if (Random(deletes) == 0) {
        call.kinds.push_back(WriteKind::kDelete);
        points_.erase(id);
        continue;
      }
      const Document document = RandomDocument();
      const std::string payload = JsonOf(document);
      call.kinds.push_back(WriteKind::kUpsert);
      call.vectors += Bytes(document.vector);
      call.payload_sizes.push_back(static_cast<uint32_t>(payload.size()));
      call.payloads += payload;
      points_[id] = document;
    }
    for (auto& [shard, call] : calls) {
      shard_ = shard;
      const auto reply = Write(std::move(call));
      ASSERT_TRUE(reply.ok()) << reply.status();
    }
  }

  // Ids by distance and id, as all shards together answer.
  std::vector<uint64_t> SearchAll(SearchCall call, uint64_t& passing) {
    std::vector<std::pair<float, uint64_t>> hits;
    passing = 0;
    for (const ShardId shard : shards_) {
      shard_ = shard;
      const auto reply = Search(call);
      EXPECT_TRUE(reply.ok()) << reply.status();
      if (!reply.ok()) return {};
      passing += reply->filter_points;
      EXPECT_NE(reply->filter_strategy, FilterStrategy::kNone);
      EXPECT_EQ(reply->codes_done, reply->codes_planned);
      const std::vector<uint64_t> ids = Numbers(*reply);
      for (size_t i = 0; i < ids.size(); ++i) hits.emplace_back(reply->scores[i], ids[i]);
    }
    std::sort(hits.begin(), hits.end());
    if (hits.size() > call.limit) hits.resize(call.limit);
    std::vector<uint64_t> ids;
    for (const auto& [score, id] : hits) ids.push_back(id);
    return ids;
  }

  std::vector<uint64_t> Expected(const Filter& filter, const std::vector<float>& query,
                                 uint64_t& passing) const {
    std::vector<std::pair<float, uint64_t>> hits;
    for (const auto& [id, document] : points_) {
      if (!Passes(filter, id, document)) continue;
      const float x = document.vector[0] - query[0];
      const float y = document.vector[1] - query[1];
      hits.emplace_back(x * x + y * y, id);
    }
    std::sort(hits.begin(), hits.end());
    passing = hits.size();
    std::vector<uint64_t> ids;
    for (const auto& [score, id] : hits) ids.push_back(id);
    return ids;
  }

  // The filters' answers equal the brute force, by comparing all and by the lists.
  void ExpectRightAnswers(int filters) {
    for (int i = 0; i < filters; ++i) {
      const auto filter = std::make_shared<const Filter>(RandomFilter(4));
      const std::vector<float> query = RandomDocument().vector;
      uint64_t expected_passing = 0;
      std::vector<uint64_t> expected = Expected(*filter, query, expected_passing);
      const uint32_t limit = 1 + Random(100);
      if (expected.size() > limit) expected.resize(limit);
      for (const std::string& version : {std::string(), version_}) {
        SearchCall call = IndexedQuery(query, limit, version);
        call.filter = filter;
        uint64_t passing = 0;
        ASSERT_EQ(SearchAll(call, passing), expected) << version;
        ASSERT_EQ(passing, expected_passing);
      }
      SearchCall count;
      count.filter = filter;
      count.limit = 1;
      uint64_t passing = 0;
      SearchAll(count, passing);
      ASSERT_EQ(passing, expected_passing);
    }
  }

  std::vector<uint64_t> ScrollShard(size_t shard, std::shared_ptr<const Filter> filter,
                                    uint32_t limit) {
    const auto slots = static_cast<uint32_t>(limits::kSlots / shards_.size());
    shard_ = shards_[shard];
    ScrollCall call;
    call.slot_begin = static_cast<uint32_t>(shard) * slots;
    call.slot_end = call.slot_begin + slots;
    call.limit = limit;
    call.filter = std::move(filter);
    return ScrollAll(std::move(call));
  }

  // A scroll gives each point that passes once, and a facet counts those that have a value.
  void ExpectRightScrollsAndFacets(int filters) {
    for (int i = 0; i < filters; ++i) {
      const auto filter = std::make_shared<const Filter>(RandomFilter(3));
      std::vector<uint64_t> expected;
      std::map<std::string, uint64_t> tags;
      for (const auto& [id, document] : points_) {
        if (!Passes(*filter, id, document)) continue;
        expected.push_back(id);
        for (const std::string& tag : document.tags) ++tags[tag];
      }
      std::vector<uint64_t> scrolled;
      std::map<std::string, uint64_t> counted;
      for (size_t shard = 0; shard < shards_.size(); ++shard) {
        const auto part = ScrollShard(shard, filter, 1 + Random(100));
        scrolled.insert(scrolled.end(), part.begin(), part.end());
        AddFacet(filter, counted);
      }
      std::sort(scrolled.begin(), scrolled.end());
      ASSERT_EQ(scrolled, expected);
      ASSERT_EQ(counted, tags);
    }
  }

  // Of shard_.
  void AddFacet(std::shared_ptr<const Filter> filter, std::map<std::string, uint64_t>& counts) {
    FacetCall call;
    call.field = "tags";
    call.filter = std::move(filter);
    const auto reply = Facet(std::move(call));
    ASSERT_TRUE(reply.ok()) << reply.status();
    size_t at = 0;
    for (size_t i = 0; i < reply->counts.size(); ++i) {
      counts[reply->values.substr(at, reply->value_sizes[i])] += reply->counts[i];
      at += reply->value_sizes[i];
    }
  }

  void TrainAll() {
    version_ = Train(8);
    for (const ShardId shard : shards_) {
      shard_ = shard;
      ASSERT_TRUE(node_->BuildIndex(shard, version_, Soon()).ok());
      ASSERT_TRUE(Within(seconds(60), [&] { return IsReady(version_); }));
    }
  }

  void ExpectAllVerified() {
    uint64_t live = 0;
    for (const ShardId shard : shards_) {
      const auto verified = node_->Verify(shard, Soon());
      ASSERT_TRUE(verified.ok()) << verified.status();
      EXPECT_EQ(verified->truth_mismatches, 0u);
      EXPECT_EQ(verified->index_mismatches, 0u);
      live += verified->live_points;
    }
    EXPECT_EQ(live, points_.size());
  }

  void LiveThroughEverything() {
    for (int i = 0; i < 6; ++i) WriteSome(1000, kIds, 20);
    ExpectRightAnswers(30);
    TrainAll();
    for (int i = 0; i < 5; ++i) {
      WriteSome(1 + Random(200), kIds, 4);
      ExpectRightAnswers(10);
    }
    ExpectAllVerified();
    ExpectRightScrollsAndFacets(20);
    ASSERT_TRUE(Start().ok());  // as after a kill: the log is replayed
    ExpectRightAnswers(20);
    ExpectRightScrollsAndFacets(20);
    // Most points die, so that the rest of the rows move and extents go.
    for (int i = 0; i < 2; ++i) WriteSome(10'000, kIds, 2);
    clock_.Advance(seconds(2));
    ASSERT_TRUE(Within(seconds(60), [&] { return node_->health().upkeep.moved_rows > 0; }));
    ExpectRightAnswers(20);
    ASSERT_TRUE(Within(seconds(60), [&] { return node_->health().upkeep.reclaimed_bytes > 0; }));
    ExpectRightAnswers(20);
    ExpectRightScrollsAndFacets(20);
    ASSERT_TRUE(node_->Close().ok());
    ASSERT_TRUE(Start().ok());
    ExpectRightAnswers(30);
    ExpectAllVerified();
  }

  std::mt19937_64 random_{11};
  std::vector<ShardId> shards_;
  std::map<uint64_t, Document> points_;
  std::string version_;
};

TEST_F(FilterTest, AnswersOfOneShardEqualBruteForceThroughWritesMovesAndRestarts) {
  CreateShards(1);
  LiveThroughEverything();
}

TEST_F(FilterTest, AnswersOfFourShardsEqualBruteForceThroughWritesMovesAndRestarts) {
  CreateShards(4);
  LiveThroughEverything();
}

// Rows that move change their numbers and not the lsn: what is remembered of a filter is of the
// numbers, and of the segments.
TEST_F(FilterTest, AFilterThatIsRememberedIsFoundAnewAfterRowsMoveAndSegmentsMerge) {
  CreateShards(1);
  for (int i = 0; i < 6; ++i) WriteSome(1000, kIds, 20);
  TrainAll();
  const auto shared = NewOnes();
  const std::vector<float> query = RandomDocument().vector;
  const auto expect_right = [&] {
    uint64_t expected_passing = 0;
    std::vector<uint64_t> expected = Expected(*shared, query, expected_passing);
    expected.resize(200);
    SearchCall call = IndexedQuery(query, 200, version_);
    call.filter = shared;
    uint64_t passing = 0;
    ASSERT_EQ(SearchAll(call, passing), expected);
    ASSERT_EQ(passing, expected_passing);
  };
  for (int i = 0; i < 2; ++i) WriteSome(10'000, kIds, 2);
  expect_right();
  const uint64_t lsn = node_->Stat(7, Soon())->applied_lsn;
  const UpkeepFigures before = node_->health().upkeep;
  clock_.Advance(seconds(2));
  ASSERT_TRUE(Within(seconds(60), [&] {
    expect_right();
    return HasFailure() || node_->health().upkeep.moved_rows > before.moved_rows;
  }));
  ASSERT_TRUE(Within(seconds(60), [&] {
    expect_right();
    return HasFailure() || node_->health().upkeep.reclaimed_bytes > before.reclaimed_bytes;
  }));
  expect_right();
  EXPECT_EQ(node_->Stat(7, Soon())->applied_lsn, lsn);
}

TEST_F(FilterTest, AtUsualDepthsTheListsGiveOnlyWhatPassesAndMissLittle) {
  CreateShards(1);
  for (int i = 0; i < 4; ++i) WriteSome(10'000, 40'000, 1'000'000);
  TrainAll();
  const auto shared = NewOnes();
  size_t found = 0;
  size_t wanted = 0;
  for (int i = 0; i < 50; ++i) {
    const std::vector<float> query = RandomDocument().vector;
    SearchCall call = Query(query);
    call.index_version = version_;
    call.nprobe = 2;
    call.widens = true;
    call.filter = shared;
    const auto reply = Search(call);
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->filter_strategy, FilterStrategy::kLists);
    EXPECT_GT(reply->work.lists_probed, 2u);
    uint64_t passing = 0;
    std::vector<uint64_t> expected = Expected(*shared, query, passing);
    expected.resize(10);
    EXPECT_EQ(reply->filter_points, passing);
    for (const uint64_t id : Numbers(*reply)) {
      EXPECT_TRUE(Passes(*shared, id, points_.at(id)));
      found += static_cast<size_t>(std::count(expected.begin(), expected.end(), id));
    }
    wanted += expected.size();
  }
  EXPECT_GE(static_cast<double>(found), 0.95 * static_cast<double>(wanted));
}

TEST_F(FilterTest, APayloadOfTheWrongTypeIsRefusedBeforeTheLog) {
  CreateShards(1);
  const auto reply = Write(Put(1, {1, 2}, R"({"year": "1999"})"));
  EXPECT_EQ(ReasonOf(reply.status()), reason::kBadPayload);
  EXPECT_THAT(std::string(reply.status().message()), HasSubstr("year"));
  ASSERT_TRUE(Write(Put(1, {1, 2}, R"({"year": 1999})")).ok());
  EXPECT_EQ(node_->Stat(7, Soon())->applied_lsn, 1u);
}

TEST_F(FilterTest, AFilterOnAFieldWithoutAnIndexIsTheCallersFault) {
  CreateShards(1);
  Filter filter;
  filter.kind = Kind::kExists;
  filter.field = "size";
  SearchCall call = Query({1, 2});
  call.filter = std::make_shared<const Filter>(filter);
  const auto reply = Search(call);
  EXPECT_EQ(ReasonOf(reply.status()), reason::kBadFilter);
}

TEST_F(FilterTest, ASearchWithoutQueriesNeedsAFilter) {
  CreateShards(1);
  SearchCall call;
  EXPECT_EQ(ReasonOf(Search(call).status()), reason::kBadRequest);
}

}  // namespace
}  // namespace kith::shard
