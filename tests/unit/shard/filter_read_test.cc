// Scrolls under a filter and facets, where random filters do not reach.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/unit/shard/node_fixture.h"

namespace kith::shard {
namespace {

using Kind = Filter::Kind;

class FilterReadTest : public NodeFixture {
 protected:
  void SetUp() override {
    NodeFixture::SetUp();
    ShardSpec spec = Spec(2);
    spec.payload_fields = {{"new", FieldType::kBoolean}, {"year", FieldType::kInteger}};
    ASSERT_TRUE(node_->CreateShard(spec, Soon()).ok());
  }

  // A scroll of seven points a page of all that are new.
  static ScrollCall NewOnes() {
    Filter filter;
    filter.kind = Kind::kMatch;
    filter.field = "new";
    filter.values = {true};
    ScrollCall call;
    call.slot_end = limits::kSlots;
    call.limit = 7;
    call.filter = std::make_shared<const Filter>(filter);
    return call;
  }
};

// Points that pass are overwritten all the while, with what passes again: none may be missed.
TEST_F(FilterReadTest, AScrollMissesNoPointThatPassesThroughoutWhileItIsOverwritten) {
  const std::string payload = R"({"new": true})";
  std::vector<uint64_t> ids;
  for (uint64_t id = 0; id < 300; ++id) {
    ASSERT_TRUE(Write(Put(id, {1, 1}, id % 3 == 0 ? payload : "")).ok());
    if (id % 3 == 0) ids.push_back(id);
  }
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (uint64_t i = 0; !stop; ++i) ASSERT_TRUE(Write(Put(i % 100 * 3, {2, 2}, payload)).ok());
  });
  for (int i = 0; i < 200; ++i) {
    std::vector<uint64_t> found = ScrollAll(NewOnes());
    std::sort(found.begin(), found.end());
    ASSERT_EQ(found, ids);
  }
  stop = true;
  writer.join();
}

TEST_F(FilterReadTest, AFacetHasNoMoreThanItMayAndNamesAnIndexedField) {
  FacetCall call;
  call.field = "size";
  EXPECT_EQ(ReasonOf(Facet(call).status()), reason::kBadFilter);
  call.field = "year";
  call.wait_lsn = 100;
  EXPECT_EQ(ReasonOf(Facet(call).status()), reason::kNotReady);
  call.wait_lsn = 0;
  EXPECT_TRUE(Facet(call)->counts.empty());
  for (int64_t first = 0; first <= static_cast<int64_t>(limits::kFacetValuesMax); first += 10'000) {
    WriteCall write;
    for (int64_t n = first; n < first + 10'000; ++n) {
      const std::string payload = "{\"year\": " + std::to_string(n) + "}";
      write.kinds.push_back(WriteKind::kUpsert);
      write.keys += Key(static_cast<uint64_t>(n));
      write.vectors += Bytes({1, 1});
      write.payload_sizes.push_back(static_cast<uint32_t>(payload.size()));
      write.payloads += payload;
    }
    ASSERT_TRUE(Write(std::move(write)).ok());
  }
  EXPECT_EQ(ReasonOf(Facet(call).status()), reason::kTooManyValues);
  Filter few;
  few.kind = Kind::kRange;
  few.field = "year";
  few.low = {int64_t{5000}, true};
  call.filter = std::make_shared<const Filter>(few);
  EXPECT_EQ(ReasonOf(Facet(call).status()), reason::kTooManyValues);
  few.high = {int64_t{5010}, false};
  call.filter = std::make_shared<const Filter>(few);
  EXPECT_EQ(Facet(call)->counts.size(), 10u);
}

TEST_F(FilterReadTest, AScrollThatMeetsNothingSaysHowFarItHasCome) {
  for (uint64_t first = 0; first < limits::kScrollIdsMax + 20'000; first += 10'000) {
    Fill(first, 10'000);
  }
  ASSERT_TRUE(Write(Put(7, {1, 1}, R"({"new": true})")).ok());
  int empty = 0;
  ScrollCall call = NewOnes();
  std::vector<uint64_t> found;
  for (bool at_end = false; !at_end;) {
    const auto page = Scroll(call);
    ASSERT_TRUE(page.ok()) << page.status();
    if (!page->keys.empty()) found.push_back(PointKey::FromBytes(page->keys.data()).number());
    at_end = page->at_end;
    if (at_end) break;
    ASSERT_FALSE(page->reached.empty());
    ++empty;
    call.after = page->reached;
    call.slot_begin = SlotOf(PointKey::FromBytes(call.after.data()));
  }
  EXPECT_EQ(empty, 1);
  EXPECT_EQ(found, std::vector<uint64_t>{7});
}

}  // namespace
}  // namespace kith::shard
