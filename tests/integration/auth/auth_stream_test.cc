// A stream asks of each of its messages.
#include <gtest/gtest.h>

#include "common/auth/reasons.h"
#include "common/base/reasons.h"
#include "kith/v1/points.grpc.pb.h"
#include "tests/integration/auth/auth_fixture.h"

namespace kith {
namespace {

class AuthStream : public AuthServer {
 protected:
  using Stream = grpc::ClientReaderWriter<v1::StreamUpsertRequest, v1::StreamUpsertResponse>;

  void Open(const Metadata& metadata) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    for (const auto& [name, value] : metadata) context_.AddMetadata(name, value);
    stream_ = v1::Points::NewStub(channel_)->StreamUpsert(&context_);
  }
  // What one message came to: its reason, "" where it was written.
  std::string Sent(const std::string& collection, uint64_t points = 1) {
    v1::StreamUpsertRequest request;
    *request.mutable_upsert() = Points(points);
    request.mutable_upsert()->set_collection(collection);
    EXPECT_TRUE(stream_->Write(request));
    v1::StreamUpsertResponse response;
    EXPECT_TRUE(stream_->Read(&response));
    return ReasonOf(rpc::StatusFromProto(response.status()));
  }
  grpc::StatusCode End() {
    stream_->WritesDone();
    return stream_->Finish().error_code();
  }

  grpc::ClientContext context_;
  std::unique_ptr<Stream> stream_;
};

TEST_F(AuthStream, EachMessageIsLetInByTheCollectionThatItNames) {
  Create("c");
  Create("other");
  Open(With("write"));
  EXPECT_EQ(Sent("c", 2), "");
  EXPECT_EQ(Sent("other"), reason::kCollectionForbidden);
  EXPECT_EQ(Sent("c", 3), "") << "the stream goes on";
  EXPECT_EQ(End(), grpc::StatusCode::OK);
  EXPECT_EQ(CountPoints(), 3u);
}

TEST_F(AuthStream, AKeyThatIsRevokedWritesNothingMoreThroughAnOpenStream) {
  Create("c");
  Open(With("write"));
  EXPECT_EQ(Sent("c", 1), "");
  ASSERT_TRUE(auth::RemoveFromKeyFile(keys_file_, "write").ok());
  role_->RefreshEntrance();
  EXPECT_EQ(Sent("c", 9), reason::kBadKey);
  EXPECT_EQ(End(), grpc::StatusCode::OK);
  EXPECT_EQ(CountPoints(), 1u);
}

TEST_F(AuthStream, AKeysQuotaCountsTheVectorsOfItsMessages) {
  Create("c");
  auth::MadeKey slow = auth::MakeKey("slow", {{}, {"c"}, {}});
  slow.key.quota.vectors_per_second = 2;
  Add("slow", slow);
  role_->RefreshEntrance();
  Open(With("slow"));
  EXPECT_EQ(Sent("c", 20), "");
  EXPECT_EQ(Sent("c", 1), reason::kQuotaExceeded);
  EXPECT_EQ(End(), grpc::StatusCode::OK);
}

}  // namespace
}  // namespace kith
