#include <gmock/gmock.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/integration/public_rpc/public_rpc_fixture.h"

namespace kith {
namespace {

using ::testing::HasSubstr;

class PublicScroll : public PublicRpc {
 protected:
  absl::StatusOr<v1::ScrollPointsResponse> Scroll(const v1::ScrollPointsRequest& request) {
    v1::ScrollPointsResponse response;
    KITH_RETURN_IF_ERROR(server_.Call(*server_.points, &Points::ScrollPoints, request, &response));
    return response;
  }
  static v1::ScrollPointsRequest Page(uint32_t limit) {
    v1::ScrollPointsRequest request;
    request.set_collection("c");
    request.set_limit(limit);
    return request;
  }
  // A field that a later version of the protocol has, and this one does not.
  template <typename Request>
  static void SetUnknownField(Request& request) {
    request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(12, "a condition");
  }
};

TEST_F(PublicScroll, GivesAllPointsOnceWithWhatWasAskedFor) {
  Create();
  FillLine(50);
  v1::UpsertResponse written;
  ASSERT_TRUE(UpsertUuid(0.25f, "a quarter", &written).ok());

  v1::ScrollPointsRequest request = Page(8);
  request.set_with_vector(true);
  request.set_with_payload(true);
  *request.add_tokens() = written.tokens(0);
  std::set<std::string> seen;
  int pages = 0;
  do {
    const auto page = Scroll(request);
    ASSERT_TRUE(page.ok()) << page.status();
    ++pages;
    for (const v1::StoredPoint& stored : page->points()) {
      EXPECT_TRUE(seen.insert(stored.id().SerializeAsString()).second) << "twice";
      EXPECT_GT(stored.version(), 0u);
      float first = -1;
      ASSERT_EQ(stored.vector().data().size(), 8u);
      std::memcpy(&first, stored.vector().data().data(), sizeof(first));
      const bool by_uuid = stored.id().has_uuid();
      EXPECT_EQ(first, by_uuid ? 0.25f : static_cast<float>(stored.id().number()));
      EXPECT_EQ(stored.payload(), by_uuid ? "a quarter" : "");
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen.size(), 51u);
  EXPECT_EQ(pages, 7);

  const auto bare = Scroll(Page(100));
  ASSERT_TRUE(bare.ok()) << bare.status();
  ASSERT_EQ(bare->points_size(), 51);
  for (const v1::StoredPoint& stored : bare->points()) {
    EXPECT_FALSE(stored.has_vector());
    EXPECT_EQ(stored.payload(), "");
  }
}

TEST_F(PublicScroll, WithoutALimitAPageHasAHundredPointsAndZeroIsRefused) {
  Create();
  FillLine(150);
  v1::ScrollPointsRequest request;
  request.set_collection("c");
  EXPECT_EQ(Scroll(request)->points_size(), 100);
  EXPECT_EQ(ReasonOf(Scroll(Page(0)).status()), reason::kLimitOutOfRange);
  EXPECT_EQ(ReasonOf(Scroll(Page(10'001)).status()), reason::kLimitOutOfRange);
}

TEST_F(PublicScroll, RefusesATokenOfACollectionThatWasMadeAnewAndGarbage) {
  Create();
  FillLine(50);
  v1::ScrollPointsRequest request = Page(8);
  request.set_page_token(Scroll(request)->next_page_token());
  v1::DeleteCollectionRequest drop;
  drop.set_collection("c");
  v1::DeleteCollectionResponse dropped;
  ASSERT_TRUE(
      server_.Call(*server_.collections, &Collections::DeleteCollection, drop, &dropped).ok());
  Create();
  FillLine(50);
  absl::Status status = Scroll(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), reason::kBadPageToken);
  request.set_page_token("garbage");
  status = Scroll(request).status();
  EXPECT_EQ(ReasonOf(status), reason::kBadPageToken);
  EXPECT_EQ(FactOf(status, kFieldFact), "page_token");
}

// A newer client's condition, left out in silence, would give points that it was to keep out.
TEST_F(PublicScroll, AFieldThatItDoesNotKnowIsRefusedInAScrollAndInACount) {
  Create();
  FillLine(5);
  v1::ScrollPointsRequest scroll = Page(8);
  SetUnknownField(scroll);
  const absl::Status status = Scroll(scroll).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), reason::kBadRequest);
  EXPECT_THAT(std::string(status.message()), HasSubstr("use a newer server"));
  v1::CountPointsRequest count;
  count.set_collection("c");
  v1::CountPointsResponse counted;
  ASSERT_TRUE(server_.Call(*server_.points, &Points::CountPoints, count, &counted).ok());
  EXPECT_EQ(counted.count(), 5u);
  SetUnknownField(count);
  EXPECT_EQ(ReasonOf(server_.Call(*server_.points, &Points::CountPoints, count, &counted)),
            reason::kBadRequest);
}

}  // namespace
}  // namespace kith
