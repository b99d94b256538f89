// Requests of every public unary method, over a socket, to a coordinator whose shards are in
// memory: decoded, validated, converted and answered. The first byte names the method, the second
// one the collection, or none: then the request goes as it is.
#include <array>
#include <functional>
#include <memory>
#include <optional>

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/rpc_caller.h"
#include "tests/fuzz/target.h"
#include "tests/integration/public_rpc/public_server.h"

namespace kith::fuzz {
namespace {

using coordinator::CreateCollectionCall;

// So that what inputs leave behind does not add up for ever.
constexpr int kInputsOfAServer = 4000;
constexpr std::array kNames = {"plain", "bytes", "halves"};

CreateCollectionCall CollectionOf(size_t i) {
  CreateCollectionCall call;
  call.collection = kNames[i];
  call.shards = 2;
  call.dimension = i == 1 ? 3 : 2;
  call.metric = i == 0 ? Metric::kL2 : i == 1 ? Metric::kInnerProduct : Metric::kCosine;
  call.element_type = i == 0 ? ElementType::kF32 : i == 1 ? ElementType::kU8 : ElementType::kF16;
  if (i == 0) {
    call.payload_fields = {{"tags", FieldType::kKeyword},
                           {"year", FieldType::kInteger},
                           {"price", FieldType::kDouble},
                           {"new", FieldType::kBoolean}};
  }
  return call;
}

class PublicApi {
 public:
  const RpcCaller& caller() const { return caller_; }

  void Take(FuzzInput input) {
    const Method& method = caller_.MethodOf(input.Byte());
    const size_t name = input.Byte() % (kNames.size() + 1);
    std::string request(input.Rest());
    const auto message = ParseRequest(method, request);
    if (message != nullptr && name < kNames.size()) {
      EnsureCollection(name);
      SetText(*message, "collection", kNames[name]);
      request = message->SerializeAsString();
    }
    const grpc::Status status = caller_.Call(method, request);
    const bool is_bug = message != nullptr && (status.error_code() == grpc::INTERNAL ||
                                               status.error_code() == grpc::UNKNOWN ||
                                               status.error_code() == grpc::DATA_LOSS);
    if (is_bug) std::fprintf(stderr, "%s\n", status.error_message().c_str());
    Require(!is_bug, "no request brings an error of the server's own");
  }

 private:
  void EnsureCollection(size_t i) {
    if (server_.cluster.map().Find(kNames[i]).ok()) return;
    // It may be on its way out: then this input finds none.
    (void)server_.cluster.collections().Create(CollectionOf(i),
                                               DeadlineIn(std::chrono::seconds(5)));
  }

  testing::PublicServer server_{2};
  RpcCaller caller_{
      server_.channel,
      {v1::SearchRequest::descriptor()->file(), v1::UpsertRequest::descriptor()->file(),
       v1::CreateCollectionRequest::descriptor()->file(),
       v1::GetOperationRequest::descriptor()->file(),
       v1::CreateBackupRequest::descriptor()->file()}};
};

PublicApi& Api() {
  static std::optional<PublicApi> api;
  static int inputs = 0;
  if (inputs++ % kInputsOfAServer == 0) api.emplace();
  return *api;
}

v1::Filter SomeFilter() {
  v1::Filter filter;
  v1::FilterList* const all = filter.mutable_all_of();
  v1::MatchCondition* const match = all->add_filters()->mutable_match();
  match->set_field("tags");
  match->mutable_value()->set_keyword("red");
  all->add_filters()->mutable_has_id()->add_ids()->set_number(7);
  return filter;
}

v1::UpsertRequest SomePoints() {
  v1::UpsertRequest upsert;
  for (int i = 0; i < 2; ++i) {
    v1::Point* const point = upsert.add_points();
    point->mutable_id()->set_number(static_cast<uint64_t>(i));
    point->mutable_vector()->add_values(1.0f);
    point->mutable_vector()->add_values(static_cast<float>(i));
  }
  upsert.mutable_points(0)->set_payload(R"({"tags": ["red"], "year": 7, "price": 1.5})");
  upsert.mutable_points(1)->set_if_version(1);
  upsert.set_request_id("0123456789abcdef");
  return upsert;
}

v1::UpsertRequest SomeColumns() {
  v1::UpsertRequest upsert;
  for (uint64_t i = 0; i < 3; ++i) upsert.mutable_columns()->add_numbers(i);
  upsert.mutable_columns()->set_vectors("abcdefghi");
  for (const char* payload : {"a", "", "b"}) upsert.mutable_columns()->add_payloads(payload);
  return upsert;
}

v1::SearchRequest OneSearch() {
  v1::SearchRequest search;
  search.mutable_vector()->add_values(1.0f);
  search.mutable_vector()->add_values(2.0f);
  v1::SearchParameters* const parameters = search.mutable_parameters();
  parameters->set_limit(3);
  parameters->set_with_payload(true);
  parameters->set_with_vector(true);
  parameters->set_explain(true);
  parameters->set_min_coverage(0.5);
  *parameters->mutable_filter() = SomeFilter();
  return search;
}

v1::SearchBatchRequest ManySearches() {
  v1::SearchBatchRequest batch;
  batch.set_count(2);
  batch.set_queries("abcdef");
  batch.mutable_parameters()->set_exact(true);
  batch.mutable_parameters()->set_min_score(0);
  v1::WriteToken* const token = batch.mutable_parameters()->add_tokens();
  token->set_shard(3);
  token->set_epoch(1);
  return batch;
}

v1::CreateCollectionRequest OneCollection() {
  v1::CreateCollectionRequest create;
  create.set_collection("other");
  create.set_dimension(8);
  create.set_metric(v1::METRIC_COSINE);
  create.set_element_type(v1::ELEMENT_TYPE_F32);
  create.mutable_index()->set_lists(16);
  create.mutable_index()->set_target_recall(0.9);
  v1::PayloadField* const field = create.add_payload_fields();
  field->set_name("color");
  field->set_type(v1::FIELD_TYPE_KEYWORD);
  return create;
}

v1::PlanCollectionRequest OnePlan() {
  v1::PlanCollectionRequest plan;
  plan.set_dimension(128);
  plan.set_metric(v1::METRIC_L2);
  plan.set_element_type(v1::ELEMENT_TYPE_U8);
  plan.set_points(1'000'000);
  plan.set_shards(4);
  plan.set_memory_limit_bytes(uint64_t{1} << 30);
  return plan;
}

using AddSeed = std::function<void(const char*, char, const google::protobuf::Message&)>;

// Payloads by ids and by a filter, what is under which name, and what a collection is.
void AddChanges(const AddSeed& add) {
  v1::SetPayloadRequest set;
  set.add_ids()->set_number(1);
  set.add_if_versions(1);
  set.set_payload(R"({"tags": ["blue"], "year": null})");
  add("SetPayload", 0, set);
  set.clear_ids();
  set.clear_if_versions();
  *set.mutable_filter() = SomeFilter();
  set.set_request_id("0123456789abcdef");
  add("SetPayload", 0, set);
  v1::ClearPayloadRequest clear;
  clear.add_ids()->set_number(1);
  clear.add_fields("year");
  add("ClearPayload", 0, clear);
  v1::DeletePointsRequest erase;
  *erase.mutable_filter() = SomeFilter();
  erase.set_dry_run(true);
  add("DeletePoints", 0, erase);
  v1::SetAliasRequest alias;
  alias.set_alias("current");
  add("SetAlias", 0, alias);
  v1::ChangeAliasesRequest changes;
  changes.add_changes()->set_alias("current");
  add("ChangeAliases", 3, changes);
  v1::UpdateCollectionRequest update;
  update.set_description("of the front door");
  update.mutable_update_mask()->add_paths("description");
  add("UpdateCollection", 0, update);
}

}  // namespace

std::vector<std::string> Seeds() {
  const RpcCaller& caller = Api().caller();
  std::vector<std::string> seeds;
  const auto add = [&](const char* method, char collection,
                       const google::protobuf::Message& request) {
    seeds.push_back(std::string{static_cast<char>(caller.NumberOf(method)), collection} +
                    request.SerializeAsString());
  };
  v1::GetPointsRequest get;
  get.add_ids()->set_number(1);
  get.add_ids()->set_uuid("0123456789abcdef");
  get.set_with_vector(true);
  v1::DeletePointsRequest erase;
  erase.add_ids()->set_number(1);
  v1::CountPointsRequest count;
  *count.mutable_filter() = SomeFilter();
  v1::ScrollPointsRequest scroll;
  scroll.set_limit(2);
  scroll.set_page_token(std::string(84, 'a'));
  v1::FacetPointsRequest facet;
  facet.set_field("tags");
  *facet.mutable_filter() = SomeFilter();
  v1::TrainIndexRequest train;
  train.mutable_index()->set_lists(4);
  v1::CreateBackupRequest backup;
  backup.set_backup("nightly");
  backup.add_collections(kNames[0]);
  v1::RestoreBackupRequest restore;
  restore.set_backup("nightly");
  restore.set_target("again");
  add("Upsert", 0, SomePoints());
  add("Upsert", 1, SomeColumns());
  add("Search", 0, OneSearch());
  add("Search", 2, OneSearch());
  add("SearchBatch", 1, ManySearches());
  add("GetPoints", 0, get);
  add("DeletePoints", 0, erase);
  add("CountPoints", 0, count);
  add("ScrollPoints", 0, scroll);
  add("FacetPoints", 0, facet);
  AddChanges(add);
  add("CreateCollection", 3, OneCollection());
  add("PlanCollection", 3, OnePlan());
  add("TrainIndex", 0, train);
  add("CreateBackup", 3, backup);
  add("RestoreBackup", 0, restore);
  return seeds;
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kith::fuzz::QuietLog();
  kith::fuzz::Api().Take({data, size});
  return 0;
}
