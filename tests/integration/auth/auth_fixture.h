#ifndef KITH_TESTS_INTEGRATION_AUTH_AUTH_FIXTURE_H_
#define KITH_TESTS_INTEGRATION_AUTH_AUTH_FIXTURE_H_

#include <google/protobuf/message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/auth/key_file.h"
#include "common/base/status.h"
#include "common/rpc/access_rules.h"
#include "common/rpc/status_codes.h"
#include "google/rpc/status.pb.h"
#include "kith/v1/collections.pb.h"
#include "kith/v1/points.pb.h"
#include "kithd/coordinator_role.h"
#include "tests/support/fake_shard_service.h"
#include "tests/support/silent_port.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/auth/made_keys.h"
#include "tests/unit/coordinator_admin/fake_backups.h"

namespace kith {

// What kithd composes a coordinator of, over its real port and a file of keys, with a shard node in
// memory behind it.
class AuthServer : public ::testing::Test {
 protected:
  void SetUp() override {
    Add("read", {{"c"}, {}, {}});
    Add("write", {{}, {"c"}, {}});
    Add("admin", {{}, {}, {"c"}});
    Add("of another collection", {{}, {}, {"other"}});
    Add("of all", {{}, {}, {"*"}});
    auth::MadeKey expired = auth::MakeKey("expired", {{}, {}, {"*"}});
    expired.key.expires_unix_ms = 1'000;
    Add("expired", expired);
    Add("revoked", {{}, {}, {"*"}});
    {
      const testing::SilentPort free_port;  // taken for a moment, then the server's
      config_.grpc.listen = free_port.address();
    }
    config_.data.directory = folder_.path() + "/data";
    config_.auth.keys_file = keys_file_;
    config_.auth.audit_file = folder_ / "audit";
    auto role =
        kithd::CoordinatorRole::Start({config_, &node_, &backups_}, {clock_, metrics_, requests_});
    ASSERT_TRUE(role.ok()) << role.status();
    role_ = *std::move(role);
    channel_ = grpc::CreateChannel(config_.grpc.listen, grpc::InsecureChannelCredentials());
    ASSERT_TRUE(auth::RemoveFromKeyFile(keys_file_, "revoked").ok());
    role_->RefreshEntrance();
  }
  void TearDown() override {
    if (role_ == nullptr) return;
    role_->EndCalls(DeadlineIn(std::chrono::seconds(5)));
    role_->EndOperations();
    metrics_.ClearPulls();
  }

  void Add(const std::string& name, const auth::MadeKey& made) {
    ASSERT_TRUE(auth::AddToKeyFile(keys_file_, made.key).ok());
    keys_[name] = made.text;
  }
  void Add(const std::string& name, auth::Scopes scopes) {
    std::string id = name;
    for (char& c : id) c = c == ' ' ? '-' : c;
    Add(name, auth::MakeKey(id, std::move(scopes)));
  }

  // One call of any method, "kith.v1.Points/Upsert", with the metadata; what it answers is parsed
  // into `response` where there is one.
  using Metadata = std::multimap<std::string, std::string>;
  absl::Status Call(const std::string& method, const google::protobuf::Message& request,
                    const Metadata& metadata, google::protobuf::Message* response = nullptr) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    for (const auto& [name, value] : metadata) context.AddMetadata(name, value);
    const grpc::Slice bytes(request.SerializeAsString());
    const grpc::ByteBuffer sent(&bytes, 1);
    grpc::ByteBuffer received;
    grpc::Status status;
    grpc::CompletionQueue queue;
    grpc::GenericStub stub(channel_);
    const auto call = stub.PrepareUnaryCall(&context, "/" + method, sent, &queue);
    call->StartCall();
    call->Finish(&received, &status, &queue);
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    if (status.ok() && response != nullptr) {
      grpc::Slice slice;
      EXPECT_TRUE(received.DumpToSingleSlice(&slice).ok());
      EXPECT_TRUE(response->ParseFromArray(slice.begin(), static_cast<int>(slice.size())));
    }
    return rpc::StatusFromGrpc(status);
  }
  // What a call came to where its answer says so: of a message of a stream, or of its first point.
  absl::Status CallOrAnswer(const std::string& method, const google::protobuf::Message& request,
                            const Metadata& metadata) {
    std::string name = method;
    name[name.find('/')] = '.';
    const auto* const found =
        google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
    EXPECT_NE(found, nullptr) << name;
    const std::unique_ptr<google::protobuf::Message> response(
        google::protobuf::MessageFactory::generated_factory()
            ->GetPrototype(found->output_type())
            ->New());
    const absl::Status status = Call(method, request, metadata, response.get());
    return status.ok() ? AnswerIn(*response) : status;
  }
  static absl::Status AnswerIn(const google::protobuf::Message& response) {
    const auto& reflection = *response.GetReflection();
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    reflection.ListFields(response, &fields);
    for (const auto* field : fields) {
      if (field->name() == "upsert") return AnswerIn(reflection.GetMessage(response, field));
      if (field->message_type() != google::rpc::Status::descriptor()) continue;
      google::rpc::Status answered;
      answered.CopyFrom(field->is_repeated() ? reflection.GetRepeatedMessage(response, field, 0)
                                             : reflection.GetMessage(response, field));
      return rpc::StatusFromProto(answered);
    }
    return absl::OkStatus();
  }
  Metadata With(const std::string& name) const {
    return {{"authorization", "Bearer " + keys_.at(name)}};
  }

  void Create(const std::string& collection) {
    v1::CreateCollectionRequest request;
    request.set_collection(collection);
    request.set_dimension(2);
    request.set_metric(v1::METRIC_L2);
    request.set_element_type(v1::ELEMENT_TYPE_F32);
    const absl::Status made = Call("kith.v1.Collections/CreateCollection", request, With("of all"));
    ASSERT_TRUE(made.ok()) << made;
  }
  absl::Status SetAlias(const std::string& key, const std::string& alias,
                        const std::string& collection) {
    v1::SetAliasRequest request;
    request.set_alias(alias);
    request.set_collection(collection);
    return Call("kith.v1.Collections/SetAlias", request, With(key));
  }
  // `count` points of two dimensions.
  static v1::UpsertRequest Points(uint64_t count) {
    v1::UpsertRequest request;
    request.set_collection("c");
    for (uint64_t n = 0; n < count; ++n) {
      request.mutable_columns()->add_numbers(n);
      const float vector[2] = {static_cast<float>(n), 0};
      request.mutable_columns()->mutable_vectors()->append(reinterpret_cast<const char*>(vector),
                                                           sizeof(vector));
    }
    return request;
  }
  uint64_t CountPoints() {
    v1::CountPointsRequest request;
    request.set_collection("c");
    v1::CountPointsResponse response;
    const absl::Status counted =
        Call("kith.v1.Points/CountPoints", request, With("of all"), &response);
    EXPECT_TRUE(counted.ok()) << counted;
    return response.count();
  }

  test::TemporaryDirectory folder_;
  const rpc::AccessRules rules_;
  const std::string keys_file_ = folder_ / "keys";
  std::map<std::string, std::string> keys_;  // texts, by the names of the matrix
  SystemClock clock_;
  telemetry::Metrics metrics_;
  telemetry::RequestMetrics requests_{metrics_};
  config::ServerConfig config_;
  testing::FakeShardService node_;
  coordinator::FakeBackups backups_{node_};
  std::unique_ptr<kithd::CoordinatorRole> role_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace kith

#endif  // KITH_TESTS_INTEGRATION_AUTH_AUTH_FIXTURE_H_
