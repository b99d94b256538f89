// What keys do to calls, beyond who may make which.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include <nlohmann/json.hpp>

#include "common/auth/key_file.h"
#include "common/auth/reasons.h"
#include "common/base/reasons.h"
#include "common/rpc/call_gate.h"
#include "coordinator/http/rest_calls.h"
#include "google/rpc/error_details.pb.h"
#include "kith/v1/operations.pb.h"
#include "kith/v1/search.pb.h"
#include "tests/integration/auth/auth_fixture.h"
#include "tests/support/file_bytes.h"

namespace kith {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Json = nlohmann::json;

class AuthCalls : public AuthServer {
 protected:
  std::vector<std::string> Listed(const std::string& key) {
    v1::ListCollectionsResponse response;
    const absl::Status status = Call("kith.v1.Collections/ListCollections",
                                     v1::ListCollectionsRequest(), With(key), &response);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<std::string> names;
    for (const v1::Collection& one : response.collections()) names.push_back(one.collection());
    return names;
  }
  std::string ReasonOfUpsert(const Metadata& metadata, uint64_t points = 1) {
    return ReasonOf(Call("kith.v1.Points/Upsert", Points(points), metadata));
  }
  std::vector<Json> Audited() {
    std::vector<Json> lines;
    std::istringstream text(test::ReadBytes(config_.auth.audit_file));
    for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
    return lines;
  }
  // A training of the collection, which stays where the node holds it.
  std::string StartTraining(const std::string& collection) {
    v1::TrainIndexRequest request;
    request.set_collection(collection);
    v1::Operation operation;
    const absl::Status status =
        Call("kith.v1.Collections/TrainIndex", request, With("of all"), &operation);
    EXPECT_TRUE(status.ok()) << status;
    return operation.id();
  }
};

TEST_F(AuthCalls, EitherHeaderCarriesAKeyAndTwoKeysAreNone) {
  Create("c");
  const std::string key = keys_.at("write");
  EXPECT_EQ(ReasonOfUpsert({{"authorization", "Bearer " + key}}), "");
  EXPECT_EQ(ReasonOfUpsert({{"x-api-key", key}}), "");
  EXPECT_EQ(ReasonOfUpsert({{"x-api-key", key}, {"authorization", "Bearer " + key}}), "");
  EXPECT_EQ(ReasonOfUpsert({{"x-api-key", key}, {"x-api-key", keys_.at("admin")}}),
            reason::kBadKey);
  EXPECT_EQ(ReasonOfUpsert({{"authorization", key}}), reason::kBadKey);
  EXPECT_EQ(ReasonOfUpsert({{"authorization", "Basic " + key}}), reason::kBadKey);
}

TEST_F(AuthCalls, ADeniedCallChangesNothing) {
  Create("c");
  EXPECT_EQ(ReasonOfUpsert(With("write"), 3), "");
  EXPECT_EQ(ReasonOfUpsert(With("read"), 9), reason::kKeyReadOnly);
  EXPECT_EQ(ReasonOfUpsert({}, 9), reason::kKeyRequired);
  v1::DeletePointsRequest erase;
  erase.set_collection("c");
  erase.add_ids()->set_number(0);
  EXPECT_EQ(ReasonOf(Call("kith.v1.Points/DeletePoints", erase, With("of another collection"))),
            reason::kCollectionForbidden);
  v1::DeleteCollectionRequest drop;
  drop.set_collection("c");
  EXPECT_EQ(ReasonOf(Call("kith.v1.Collections/DeleteCollection", drop, With("write"))),
            reason::kKeyNotAdmin);
  EXPECT_EQ(CountPoints(), 3u);
}

TEST_F(AuthCalls, ACollectionThatDoesNotExistIsForbiddenLikeOneThatDoes) {
  Create("other");
  v1::GetCollectionRequest get;
  for (const char* name : {"other", "nothing"}) {
    get.set_collection(name);
    const absl::Status refused = Call("kith.v1.Collections/GetCollection", get, With("read"));
    EXPECT_EQ(ReasonOf(refused), reason::kCollectionForbidden);
  }
}

TEST_F(AuthCalls, AListShowsAKeyItsOwnCollections) {
  Create("c");
  Create("other");
  EXPECT_THAT(Listed("of all"), ::testing::UnorderedElementsAre("c", "other"));
  EXPECT_THAT(Listed("read"), ElementsAre("c"));
  EXPECT_THAT(Listed("of another collection"), ElementsAre("other"));
}

TEST_F(AuthCalls, AnOperationOfAnotherCollectionIsAsIfThereWereNone) {
  Create("c");
  EXPECT_EQ(ReasonOfUpsert(With("write"), 1000), "");
  node_.HoldTraining(true);
  v1::GetOperationRequest request;
  request.set_id(StartTraining("c"));
  EXPECT_TRUE(Call("kith.v1.Operations/GetOperation", request, With("read")).ok());
  EXPECT_EQ(
      ReasonOf(Call("kith.v1.Operations/GetOperation", request, With("of another collection"))),
      reason::kOperationNotFound);
  EXPECT_EQ(
      ReasonOf(Call("kith.v1.Operations/CancelOperation", request, With("of another collection"))),
      reason::kOperationNotFound);
  v1::ListOperationsResponse listed;
  EXPECT_TRUE(Call("kith.v1.Operations/ListOperations", v1::ListOperationsRequest(),
                   With("of another collection"), &listed)
                  .ok());
  EXPECT_THAT(listed.operations(), IsEmpty());
  // Administers one collection and only reads the other.
  Add("mixed", {{"c"}, {}, {"other"}});
  role_->RefreshEntrance();
  EXPECT_EQ(ReasonOf(Call("kith.v1.Operations/CancelOperation", request, With("mixed"))),
            reason::kKeyNotAdmin);
  EXPECT_TRUE(Call("kith.v1.Operations/CancelOperation", request, With("admin")).ok());
  node_.HoldTraining(false);
}

TEST_F(AuthCalls, TheDuplicatesOfAnotherCollectionAreAsIfThereWereNone) {
  Create("c");
  v1::FindDuplicatesRequest find;
  find.set_collection("c");
  find.set_max_distance(1);
  EXPECT_EQ(ReasonOf(Call("kith.v1.Search/FindDuplicates", find, With("of another collection"))),
            reason::kCollectionForbidden);
  v1::Operation operation;
  ASSERT_TRUE(Call("kith.v1.Search/FindDuplicates", find, With("read"), &operation).ok());
  v1::ListDuplicatesRequest list;
  list.set_operation(operation.id());
  list.set_limit(1'000'000);  // refused of an operation that one may see
  EXPECT_EQ(ReasonOf(Call("kith.v1.Search/ListDuplicates", list, With("read"))),
            reason::kLimitOutOfRange);
  EXPECT_EQ(ReasonOf(Call("kith.v1.Search/ListDuplicates", list, With("of another collection"))),
            reason::kOperationNotFound);
}

// It takes what starting one takes, and is in the audit log with what it ended.
TEST_F(AuthCalls, WhoeverMayLookForDuplicatesMayEndTheSearchForThemAndNoTraining) {
  Create("c");
  EXPECT_EQ(ReasonOfUpsert(With("write"), 1000), "");
  v1::FindDuplicatesRequest find;
  find.set_collection("c");
  find.set_max_distance(1);
  v1::Operation duplicates;
  ASSERT_TRUE(Call("kith.v1.Search/FindDuplicates", find, With("read"), &duplicates).ok());
  v1::GetOperationRequest cancel;
  cancel.set_id(duplicates.id());
  EXPECT_EQ(
      ReasonOf(Call("kith.v1.Operations/CancelOperation", cancel, With("of another collection"))),
      reason::kOperationNotFound);
  EXPECT_TRUE(Call("kith.v1.Operations/CancelOperation", cancel, With("read")).ok());
  EXPECT_EQ(Audited().back()["subject"], duplicates.id());
  EXPECT_EQ(Audited().back()["key"], "read");
  node_.HoldTraining(true);
  cancel.set_id(StartTraining("c"));
  EXPECT_EQ(ReasonOf(Call("kith.v1.Operations/CancelOperation", cancel, With("read"))),
            reason::kKeyNotAdmin);
  EXPECT_TRUE(Call("kith.v1.Operations/CancelOperation", cancel, With("admin")).ok());
  node_.HoldTraining(false);
}

TEST_F(AuthCalls, AKeyThatIsAddedOrRevokedCountsFromTheNextCallOn) {
  Create("c");
  Add("late", {{}, {"c"}, {}});
  EXPECT_EQ(ReasonOfUpsert(With("late")), reason::kBadKey);
  role_->RefreshEntrance();
  EXPECT_EQ(ReasonOfUpsert(With("late")), "");
  ASSERT_TRUE(auth::RemoveFromKeyFile(keys_file_, "late").ok());
  role_->RefreshEntrance();
  EXPECT_EQ(ReasonOfUpsert(With("late")), reason::kBadKey);
}

TEST_F(AuthCalls, AFileThatBecomesWrongLocksNobodyOut) {
  Create("c");
  auth::WriteFile(keys_file_, "nonsense\n");
  role_->RefreshEntrance();
  EXPECT_EQ(ReasonOfUpsert(With("write")), "");
}

TEST_F(AuthCalls, AQuotaIsAnsweredWithWhenToComeBack) {
  Create("c");
  auth::MadeKey slow = auth::MakeKey("slow", {{}, {"c"}, {}});
  slow.key.quota.vectors_per_second = 2;
  Add("slow", slow);
  role_->RefreshEntrance();
  EXPECT_EQ(ReasonOfUpsert(With("slow"), 20), "");
  const absl::Status refused = Call("kith.v1.Points/Upsert", Points(1), With("slow"));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), reason::kQuotaExceeded);
  google::rpc::RetryInfo retry;
  google::rpc::QuotaFailure failure;
  const google::rpc::Status proto = rpc::StatusToProto(refused);
  for (const auto& detail : proto.details()) {
    detail.UnpackTo(&retry);
    detail.UnpackTo(&failure);
  }
  EXPECT_GE(retry.retry_delay().seconds(), 8);
  ASSERT_EQ(failure.violations_size(), 1);
  EXPECT_EQ(failure.violations(0).subject(), "key:slow");
  EXPECT_EQ(failure.violations(0).description(), "vectors_per_second");
  EXPECT_EQ(ReasonOfUpsert(With("write")), "") << "another key has its own";
}

TEST_F(AuthCalls, TheAuditLogHasEachDeniedCallAndEachOneThatAdministers) {
  Create("c");
  EXPECT_EQ(ReasonOfUpsert(With("write")), "");
  EXPECT_EQ(ReasonOfUpsert(With("read")), reason::kKeyReadOnly);
  EXPECT_EQ(ReasonOfUpsert({}), reason::kKeyRequired);
  v1::DeleteCollectionRequest drop;
  drop.set_collection("nothing");
  EXPECT_FALSE(Call("kith.v1.Collections/DeleteCollection", drop, With("of all")).ok());
  const auto lines = Audited();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0]["event"], "administered");
  EXPECT_EQ(lines[0]["key"], "of-all");
  EXPECT_EQ(lines[0]["method"], "kith.v1.Collections/CreateCollection");
  EXPECT_EQ(lines[0]["collection"], "c");
  EXPECT_EQ(lines[0]["outcome"], "OK");
  EXPECT_EQ(lines[1]["event"], "denied");
  EXPECT_EQ(lines[1]["key"], "read");
  EXPECT_EQ(lines[1]["reason"], reason::kKeyReadOnly);
  EXPECT_THAT(std::string(lines[1]["peer"]), HasSubstr("127.0.0.1"));
  EXPECT_EQ(lines[2]["key"], "");
  EXPECT_EQ(lines[2]["reason"], reason::kKeyRequired);
  EXPECT_EQ(lines[3]["event"], "administered");
  EXPECT_EQ(lines[3]["outcome"], "NOT_FOUND");
  EXPECT_FALSE(lines[3].contains("subject"));
  const std::string text = test::ReadBytes(config_.auth.audit_file);
  for (const auto& [name, key] : keys_) {
    EXPECT_THAT(text, Not(HasSubstr(key.substr(key.size() - 64)))) << name;
  }
}

TEST_F(AuthCalls, DeniedCallsAreCountedByReason) {
  EXPECT_EQ(ReasonOfUpsert({}), reason::kKeyRequired);
  EXPECT_THAT(metrics_.Text(), HasSubstr("kith_denied_calls_total{reason=\"KEY_REQUIRED\"} 1"));
}

// A probe has no key.
TEST_F(AuthCalls, HealthNeedsNoKey) {
  EXPECT_TRUE(Call("grpc.health.v1.Health/Check", v1::ListCollectionsRequest(), {}).ok());
}

TEST_F(AuthCalls, ForWhomAnotherMachineSaysItCallsIsNotBelieved) {
  EXPECT_EQ(ReasonOfUpsert({{rpc::kForwardedPeer, "ipv4:8.8.8.8:1"}}), reason::kKeyRequired);
  EXPECT_THAT(std::string(Audited().back()["peer"]), Not(HasSubstr("8.8.8.8")));
}

// As the HTTP port calls.
TEST_F(AuthCalls, ACallWithinTheProcessNeedsAKeyAndIsRecordedWithWhomItIsMadeFor) {
  Create("c");
  const std::shared_ptr<http::RestCalls> rest = role_->MakeRestCalls();
  http::RestCall call{.method = "/kith.v1.Points/Upsert",
                      .request = Points(1).SerializeAsString(),
                      .metadata = {{rpc::kForwardedPeer, "http:10.0.0.1:40000"}}};
  EXPECT_EQ(ReasonOf(rpc::StatusFromProto(rest->Make(call).status)), reason::kKeyRequired);
  EXPECT_EQ(Audited().back()["peer"], "http:10.0.0.1:40000");
  call.metadata.emplace_back("x-api-key", keys_.at("read"));
  EXPECT_EQ(ReasonOf(rpc::StatusFromProto(rest->Make(call).status)), reason::kKeyReadOnly);
  EXPECT_EQ(Audited().back()["key"], "read");
  EXPECT_EQ(Audited().back()["peer"], "http:10.0.0.1:40000");
  call.metadata.back().second = keys_.at("write");
  EXPECT_EQ(rest->Make(call).status.code(), 0);
  rest->Close(DeadlineIn(std::chrono::seconds(5)));
}

}  // namespace
}  // namespace kith
