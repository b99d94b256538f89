#include "coordinator/read/scroll_service.h"

#include <gtest/gtest.h>

#include <future>
#include <set>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/support/fake_shard_service.h"
#include "tests/support/scripted_shard.h"

namespace kith::coordinator {
namespace {

// Three shards over one fake node, which holds their points.
class ScrollServiceTest : public ::testing::Test {
 protected:
  ScrollServiceTest() {
    for (size_t i = 0; i < cluster_.shards.size(); ++i) {
      const ShardPlacement& placement = cluster_.record.shards[i];
      EXPECT_TRUE(node_
                      .CreateShard({.shard = placement.shard,
                                    .collection = "c",
                                    .incarnation = cluster_.record.incarnation,
                                    .dimension = 2,
                                    .slots = placement.slots},
                                   DeadlineIn(std::chrono::seconds(5)))
                      .ok());
      cluster_.shards[i]->on_scroll = [this](ScrollCall call, Deadline deadline,
                                             Done<ScrollReply> done) {
        calls_.push_back(call);
        node_.Scroll(std::move(call), deadline, std::move(done));
      };
    }
    call_.collection = "c";
    call_.limit = 10;
  }
  void Fill(uint64_t count) {
    const auto entry = cluster_.entry();
    for (uint64_t n = 0; n < count; ++n) {
      const PointKey key = PointKey::FromNumber(n);
      node_.Put(entry->routes[entry->route_of_slot[SlotOf(key)]]->shard, key, "12345678");
    }
  }
  absl::StatusOr<ScrollPage> Scroll() {
    std::promise<absl::StatusOr<ScrollPage>> promise;
    service_.Scroll(call_, [&](auto page) { promise.set_value(std::move(page)); });
    return promise.get_future().get();
  }
  static std::vector<PointKey> KeysOf(const ScrollPage& page) {
    std::vector<PointKey> keys;
    for (const ScrollReply& part : page.parts) {
      for (size_t at = 0; at < part.keys.size(); at += PointKey::kSize) {
        keys.push_back(PointKey::FromBytes(part.keys.data() + at));
      }
    }
    return keys;
  }
  // The keys of each page, to the last.
  std::vector<std::vector<PointKey>> AllPages() {
    std::vector<std::vector<PointKey>> pages;
    do {
      const auto page = Scroll();
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      pages.push_back(KeysOf(*page));
      call_.page_token = page->next_page_token;
    } while (!call_.page_token.empty() && pages.size() < 1000);
    return pages;
  }
  // The answer of the second shard, whatever it is asked.
  void Answer(ScrollReply reply) {
    cluster_.shards[1]->on_scroll = [reply](ScrollCall, Deadline, Done<ScrollReply> done) {
      done(reply);
    };
  }

  SystemClock clock_;
  testing::ScriptedCluster cluster_{3};
  testing::FakeShardService node_;
  std::vector<ScrollCall> calls_;
  DeadlineTimer timer_;
  ScrollService service_{cluster_.map, timer_, clock_};
  ScrollPointsCall call_;
};

TEST_F(ScrollServiceTest, GivesEveryPointOfAllShardsOnceInOrderAndInFullPages) {
  Fill(95);
  const auto pages = AllPages();
  ASSERT_EQ(pages.size(), 10u);
  std::vector<PointKey> keys;
  for (size_t i = 0; i < pages.size(); ++i) {
    EXPECT_EQ(pages[i].size(), i < 9 ? 10u : 5u);
    keys.insert(keys.end(), pages[i].begin(), pages[i].end());
  }
  EXPECT_EQ(std::set<PointKey>(keys.begin(), keys.end()).size(), 95u);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end(), [](const PointKey& a, const PointKey& b) {
    return std::pair(SlotOf(a), a) < std::pair(SlotOf(b), b);
  }));
}

TEST_F(ScrollServiceTest, AnEmptyCollectionIsOneEmptyPageWithoutAToken) {
  const auto pages = AllPages();
  ASSERT_EQ(pages.size(), 1u);
  EXPECT_TRUE(pages[0].empty());
}

TEST_F(ScrollServiceTest, APageThatEndsWithTheLastPointHasNoToken) {
  Fill(10);
  const auto page = Scroll();
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(KeysOf(*page).size(), 10u);
  EXPECT_EQ(page->next_page_token, "");
}

TEST_F(ScrollServiceTest, AsksEachShardForItsOwnSlotsUnderTheCollectionsIncarnation) {
  Fill(30);
  call_.limit = 100;
  call_.with_vector = true;
  call_.tokens = {{2, 1, 7}};
  ASSERT_TRUE(Scroll().ok());
  ASSERT_EQ(calls_.size(), 3u);
  uint32_t slot = 0;
  for (const ScrollCall& call : calls_) {
    EXPECT_EQ(call.slot_begin, slot);
    slot = call.slot_end;
    EXPECT_EQ(call.incarnation, cluster_.record.incarnation);
    EXPECT_EQ(call.wait_lsn, call.shard == 2 ? 7u : 0u);
    EXPECT_TRUE(call.with_vector);
    EXPECT_FALSE(call.with_payload);
  }
  EXPECT_EQ(slot, limits::kSlots);
}

TEST_F(ScrollServiceTest, GoesOnWhereASlotMovedToAnotherShardMeanwhile) {
  Fill(95);
  const auto first = Scroll();
  ASSERT_TRUE(first.ok());
  const PointKey last = KeysOf(*first).back();
  call_.page_token = first->next_page_token;
  calls_.clear();
  cluster_.record.shards[1].slots = {{0, cluster_.record.shards[1].slots[0].second}};
  cluster_.record.shards.erase(cluster_.record.shards.begin());
  cluster_.Publish();
  (void)Scroll();
  ASSERT_FALSE(calls_.empty());
  EXPECT_EQ(calls_[0].shard, 2u);
  EXPECT_EQ(calls_[0].after, last.view());
}

TEST_F(ScrollServiceTest, EndsAPageAtItsBytes) {
  const size_t vector_bytes = 4 * limits::kDimensionMax;
  cluster_.record.dimension = limits::kDimensionMax;
  cluster_.Publish();
  const auto entry = cluster_.entry();
  for (uint64_t n = 0; n < 1500; ++n) {
    const PointKey key = PointKey::FromNumber(n);
    node_.Put(entry->routes[entry->route_of_slot[SlotOf(key)]]->shard, key,
              std::string(vector_bytes, 'v'));
  }
  call_.limit = limits::kPointsPerCallMax;
  call_.with_vector = true;
  const auto pages = AllPages();
  ASSERT_EQ(pages.size(), 2u);
  EXPECT_EQ(pages[0].size(), limits::kPageBytesMax / vector_bytes);
  EXPECT_EQ(pages[1].size(), 1500 - pages[0].size());
}

TEST_F(ScrollServiceTest, RefusesALimitOutOfRangeAndATokenOfAnotherCollection) {
  for (const uint32_t limit : {0u, limits::kPointsPerCallMax + 1}) {
    call_.limit = limit;
    EXPECT_EQ(ReasonOf(Scroll().status()), reason::kLimitOutOfRange);
  }
  call_.limit = 10;
  Fill(30);
  call_.page_token = Scroll()->next_page_token;
  cluster_.record.incarnation = Uuid{{7}};  // made anew under its old name
  cluster_.Publish();
  calls_.clear();
  EXPECT_EQ(ReasonOf(Scroll().status()), reason::kBadPageToken);
  EXPECT_TRUE(calls_.empty());
  call_.collection = "d";
  EXPECT_EQ(ReasonOf(Scroll().status()), reason::kCollectionNotFound);
}

TEST_F(ScrollServiceTest, FailsAsAWholeWhereAShardFailsOrDoesNotAnswer) {
  Fill(30);
  call_.limit = 100;
  cluster_.shards[1]->on_scroll = [](ScrollCall, Deadline, Done<ScrollReply> done) {
    done(Error(absl::StatusCode::kUnavailable, reason::kNotReady, "loading"));
  };
  EXPECT_EQ(ReasonOf(Scroll().status()), reason::kNotReady);
  std::vector<Done<ScrollReply>> silent;
  cluster_.shards[1]->on_scroll = [&](ScrollCall, Deadline, Done<ScrollReply> done) {
    silent.push_back(std::move(done));
  };
  call_.deadline = DeadlineIn(std::chrono::milliseconds(30));
  EXPECT_EQ(ReasonOf(Scroll().status()), reason::kDeadline);
}

TEST_F(ScrollServiceTest, RefusesAReplyThatWouldMakeItMissPointsOrNeverEnd) {
  const uint32_t begin = cluster_.record.shards[1].slots[0].first;
  std::vector<PointKey> keys;  // two of the second shard's, in order
  for (uint64_t n = 0; keys.size() < 2; ++n) {
    const PointKey key = PointKey::FromNumber(n);
    const bool follows = keys.empty() || SlotOf(keys[0]) < SlotOf(key);
    if (cluster_.entry()->route_of_slot[SlotOf(key)] == 1 && follows) keys.push_back(key);
  }
  ASSERT_LE(begin, SlotOf(keys[0]));
  call_.limit = 100;
  const std::string first(keys[0].view());
  const std::string second(keys[1].view());
  const auto reason_of = [&](const ScrollReply& reply) {
    Answer(reply);
    return ReasonOf(Scroll().status());
  };
  ScrollReply good;
  good.keys = first + second;
  good.versions = {1, 1};
  good.at_end = true;
  EXPECT_EQ(reason_of(good), "");
  ScrollReply bad = good;
  bad.keys = second + first;
  EXPECT_EQ(reason_of(bad), reason::kCorruption) << "out of order";
  bad.keys = first + first;
  EXPECT_EQ(reason_of(bad), reason::kCorruption) << "twice";
  bad.keys = first;
  EXPECT_EQ(reason_of(bad), reason::kCorruption) << "a key is missing";
  bad = good;
  bad.vectors = "1234567812345678";
  EXPECT_EQ(reason_of(bad), reason::kCorruption) << "vectors that nobody asked for";
  bad = {};
  EXPECT_EQ(reason_of(bad), reason::kCorruption) << "empty and not at the end";
  bad = good;
  for (uint64_t n = 0;; ++n) {
    const PointKey key = PointKey::FromNumber(n);
    if (cluster_.entry()->route_of_slot[SlotOf(key)] != 2) continue;
    bad.keys = first + std::string(key.view());
    break;
  }
  EXPECT_EQ(reason_of(bad), reason::kCorruption) << "of another shard's slot";
}

}  // namespace
}  // namespace kith::coordinator
