#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/contract/shard_service_contract.h"

// What every ShardService promises of Scroll.
namespace kith::testing {
namespace {

PointKey KeyAt(const std::string& keys, size_t i) {
  return PointKey::FromBytes(keys.data() + i * PointKey::kSize);
}

std::string LastOf(const ScrollReply& reply) {
  return reply.keys.substr(reply.keys.size() - PointKey::kSize);
}

// All pages of a shard, `limit` points each.
std::vector<PointKey> ScrollAll(ShardService& service, ScrollCall call) {
  std::vector<PointKey> keys;
  while (true) {
    const auto page = ScrollNow(service, call);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) return keys;
    for (size_t i = 0; i < page->versions.size(); ++i) keys.push_back(KeyAt(page->keys, i));
    if (page->at_end) return keys;
    EXPECT_FALSE(page->keys.empty());
    if (page->keys.empty()) return keys;
    call.after = LastOf(*page);
    call.slot_begin = SlotOf(keys.back());
  }
}

void ExpectError(const absl::Status& status, absl::StatusCode code, const char* reason) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(ReasonOf(status), reason) << status;
}

}  // namespace

ScrollCall ShardServiceContract::PageBehind(ShardId shard, const std::string& after,
                                            uint32_t limit) {
  ScrollCall call;
  call.shard = shard;
  call.incarnation = Incarnation();
  call.slot_begin = after.empty() ? 0 : SlotOf(PointKey::FromBytes(after.data()));
  call.slot_end = limits::kSlots;
  call.after = after;
  call.limit = limit;
  call.bytes_limit = 1 << 20;
  call.with_vector = true;
  call.with_payload = true;
  return call;
}

TEST_P(ShardServiceContract, AScrollGivesEveryPointOnceInTheOrderOfSlotAndKey) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 500);
  const std::vector<PointKey> keys = ScrollAll(service(), PageBehind(spec.shard, "", 7));
  ASSERT_EQ(keys.size(), 500u);
  EXPECT_EQ(std::set<PointKey>(keys.begin(), keys.end()).size(), 500u);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end(), [](const PointKey& a, const PointKey& b) {
    return std::pair(SlotOf(a), a) < std::pair(SlotOf(b), b);
  }));
  EXPECT_EQ(ScrollAll(service(), PageBehind(spec.shard, "", 500)), keys)
      << "however long the pages";
}

TEST_P(ShardServiceContract, AScrollGivesOfEachPointWhatWasAskedFor) {
  const ShardSpec spec = Create();
  const WriteReply written = Store(spec.shard, 0, 20);
  ScrollCall call = PageBehind(spec.shard, "", 100);
  call.wait_lsn = written.lsn;
  const auto whole = ScrollNow(service(), call);
  ASSERT_TRUE(whole.ok()) << whole.status();
  ASSERT_EQ(whole->versions.size(), 20u);
  EXPECT_TRUE(whole->at_end);
  ASSERT_EQ(whole->vectors.size(), 20u * 16);
  ASSERT_EQ(whole->payload_sizes.size(), 20u);
  size_t payload_at = 0;
  for (size_t i = 0; i < 20; ++i) {
    const uint64_t number = KeyAt(whole->keys, i).number();
    float first = 0;
    std::memcpy(&first, whole->vectors.data() + i * 16, sizeof(first));
    EXPECT_EQ(first, static_cast<float>(number));
    EXPECT_EQ(whole->payloads.substr(payload_at, whole->payload_sizes[i]),
              fmt::format("p{}", number));
    payload_at += whole->payload_sizes[i];
    EXPECT_EQ(whole->versions[i], written.versions[number]);
  }
  call.with_vector = call.with_payload = false;
  const auto bare = ScrollNow(service(), call);
  ASSERT_TRUE(bare.ok()) << bare.status();
  EXPECT_EQ(bare->keys, whole->keys);
  EXPECT_EQ(bare->versions, whole->versions);
  EXPECT_TRUE(bare->vectors.empty() && bare->payloads.empty() && bare->payload_sizes.empty());
}

TEST_P(ShardServiceContract, AScrollEndsAPageAtItsBytesButGivesAtLeastOnePoint) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 20);
  ScrollCall call = PageBehind(spec.shard, "", 100);
  call.with_payload = false;
  call.bytes_limit = 50;  // three vectors of 16
  const auto some = ScrollNow(service(), call);
  ASSERT_TRUE(some.ok()) << some.status();
  EXPECT_EQ(some->versions.size(), 3u);
  EXPECT_FALSE(some->at_end);
  call.bytes_limit = 0;
  const auto one = ScrollNow(service(), call);
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->versions.size(), 1u);
  EXPECT_EQ(ScrollAll(service(), call).size(), 20u);
}

TEST_P(ShardServiceContract, AScrollKeepsToItsSlots) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 300);
  ScrollCall lower = PageBehind(spec.shard, "", 1000);
  lower.slot_end = 1500;
  ScrollCall upper = PageBehind(spec.shard, "", 1000);
  upper.slot_begin = 1500;
  std::vector<PointKey> keys = ScrollAll(service(), lower);
  for (const PointKey& key : keys) EXPECT_LT(SlotOf(key), 1500);
  for (const PointKey& key : ScrollAll(service(), upper)) {
    EXPECT_GE(SlotOf(key), 1500);
    keys.push_back(key);
  }
  EXPECT_EQ(keys, ScrollAll(service(), PageBehind(spec.shard, "", 1000)));
}

TEST_P(ShardServiceContract, AScrollOfAnEmptyShardIsAtItsEnd) {
  const ShardSpec spec = Create();
  const auto page = ScrollNow(service(), PageBehind(spec.shard, "", 10));
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_TRUE(page->at_end);
  EXPECT_TRUE(page->keys.empty());
}

TEST_P(ShardServiceContract, AScrollOfAnotherShardsSlotsOrIncarnationIsRefused) {
  ShardSpec spec;
  spec.shard = 5;
  spec.collection = "half";
  spec.incarnation = Incarnation();
  spec.dimension = 4;
  spec.slots = {{0, 2048}};
  ASSERT_TRUE(service().CreateShard(spec, Soon()).ok());
  ExpectError(ScrollNow(service(), PageBehind(5, "", 1)).status(),
              absl::StatusCode::kFailedPrecondition, reason::kWrongShard);
  ScrollCall call = PageBehind(5, "", 1);
  call.slot_end = 2048;
  EXPECT_TRUE(ScrollNow(service(), call).ok());
  call.incarnation = Uuid{{0xab, 0xce}};
  ExpectError(ScrollNow(service(), call).status(), absl::StatusCode::kFailedPrecondition,
              reason::kWrongIncarnation);
  call.shard = 77;
  ExpectError(ScrollNow(service(), call).status(), absl::StatusCode::kNotFound,
              reason::kShardUnavailable);
}

// Points 0 to 399 stay throughout, overwritten again and again; those above come and go.
TEST_P(ShardServiceContract,
       APointThatIsThereThroughoutAScrollAppearsExactlyOnceWhateverIsWritten) {
  const ShardSpec spec = Create();
  Store(spec.shard, 0, 400);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (uint64_t round = 0; !stop; ++round) {
      Store(spec.shard, (round * 50) % 400, 50);
      Store(spec.shard, 1000, 60);
      WriteCall remove;
      remove.shard = spec.shard;
      remove.incarnation = Incarnation();
      for (uint64_t i = 1000; i < 1060; ++i) {
        remove.kinds.push_back(WriteKind::kDelete);
        remove.keys += PointKey::FromNumber(i).view();
      }
      EXPECT_TRUE(WriteNow(service(), remove).ok());
    }
  });
  for (int round = 0; round < 8; ++round) {
    std::map<PointKey, int> seen;
    for (const PointKey& key : ScrollAll(service(), PageBehind(spec.shard, "", 13))) ++seen[key];
    for (uint64_t i = 0; i < 400; ++i) EXPECT_EQ(seen[PointKey::FromNumber(i)], 1) << i;
    for (const auto& [key, times] : seen) EXPECT_EQ(times, 1) << key.number();
  }
  stop = true;
  writer.join();
}

}  // namespace kith::testing
