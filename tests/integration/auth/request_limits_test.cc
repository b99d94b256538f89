// Every text, every run of bytes and every list of every request has a limit: each is sent too
// long, in a request that is good otherwise, against the real service.
#include <gtest/gtest.h>

#include <set>

#include "common/rpc/access_rules.h"
#include "google/protobuf/text_format.h"
#include "kith/v1/operations.pb.h"
#include "kith/v1/search.pb.h"
#include "tests/integration/auth/auth_fixture.h"

namespace kith {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::Reflection;

constexpr size_t kTextBytes = 2'000;  // more than any name
constexpr size_t kBytes = 65'537;     // more than a payload
constexpr int kMembers = 20'001;      // more than a call has points

// Good requests where there is a collection c of two dimensions with an indexed field f; of methods
// that are not here a request that names the collection and nothing else is one.
const std::multimap<std::string, std::string> kGood = {
    {"CreateCollection",
     R"(collection: "new" dimension: 2 metric: METRIC_L2 element_type: ELEMENT_TYPE_F32
        validate_only: true payload_fields { name: "f" type: FIELD_TYPE_KEYWORD })"},
    {"PlanCollection",
     "dimension: 2 metric: METRIC_L2 element_type: ELEMENT_TYPE_F32 points: 100000"},
    {"Upsert", R"(collection: "c" points { id { number: 1 } vector { values: 1 values: 2 } })"},
    {"Upsert", R"(collection: "c" columns { numbers: 1 vectors: "12345678" payloads: "" })"},
    {"StreamUpsert",
     R"(upsert { collection: "c" points { id { number: 1 } vector { values: 1 values: 2 } } })"},
    {"StreamUpsert",
     R"(upsert { collection: "c" columns { numbers: 1 vectors: "12345678" payloads: "" } })"},
    {"SetPayload", R"(collection: "c" ids { number: 1 } payload: "{}")"},
    {"SetPayload", R"(collection: "c" filter { has_id { ids { number: 1 } } } payload: "{}")"},
    {"ClearPayload", R"(collection: "c" ids { number: 1 } fields: "f")"},
    {"FacetPoints", R"(collection: "c" field: "f")"},
    {"UpdateCollection", R"(collection: "c" update_mask { paths: "description" })"},
    {"CreatePayloadIndex", R"(collection: "c" field: "f" type: FIELD_TYPE_KEYWORD)"},
    {"DeletePayloadIndex", R"(collection: "c" field: "g")"},
    {"SetAlias", R"(alias: "alias" collection: "c")"},
    {"DeleteAlias", R"(alias: "alias")"},
    {"ChangeAliases", R"(changes { alias: "alias" collection: "c" })"},
    {"CreateBackup", R"(backup: "b" collections: "c")"},
    {"VerifyBackup", R"(backup: "b")"},
    {"RestoreBackup", R"(backup: "b" collection: "c" target: "restored")"},
    {"DeleteBackup", R"(backup: "b")"},
    {"GetPoints", R"(collection: "c" ids { number: 1 })"},
    {"DeletePoints", R"(collection: "c" ids { number: 1 })"},
    {"CountPoints", R"(collection: "c")"},
    {"CountPoints", R"(collection: "c" filter { has_id { ids { number: 1 } } })"},
    {"CountPoints", R"(collection: "c" filter { exists { field: "f" } })"},
    {"CountPoints", R"(collection: "c" filter { match { field: "f" value { keyword: "a" } } })"},
    {"CountPoints",
     R"(collection: "c" filter { match_any { field: "f" values { keyword: "a" } } })"},
    {"CountPoints",
     R"(collection: "c" filter { range { field: "f" gte { keyword: "a" } lt { keyword: "b" } } })"},
    {"CountPoints",
     R"(collection: "c" filter { any_of { filters { has_id { ids { number: 1 } } } } })"},
    {"Search", R"(collection: "c" vector { values: 1 values: 2 })"},
    {"Search", R"(collection: "c" examples { positive { point { number: 1 } } })"},
    {"Search", R"(collection: "c" vector { values: 1 values: 2 } group_by { field: "f" })"},
    {"FindDuplicates", R"(collection: "c" max_distance: 0.5)"},
    {"SearchBatch", R"(collection: "c" count: 1 query_values: 1 query_values: 2)"},
    {"SearchBatch", R"(collection: "c" count: 1 queries: "12345678")"},
};

class RequestLimits : public AuthServer {
 protected:
  void SetUp() override {
    AuthServer::SetUp();
    v1::CreateCollectionRequest request;
    request.set_collection("c");
    request.set_dimension(2);
    request.set_metric(v1::METRIC_L2);
    request.set_element_type(v1::ELEMENT_TYPE_F32);
    v1::PayloadField* const field = request.add_payload_fields();
    field->set_name("f");
    field->set_type(v1::FIELD_TYPE_KEYWORD);
    const absl::Status made = Call("kith.v1.Collections/CreateCollection", request, With("of all"));
    ASSERT_TRUE(made.ok()) << made;
    const absl::Status written = Call("kith.v1.Points/Upsert", Points(2), With("of all"));
    ASSERT_TRUE(written.ok()) << written;
  }

  std::vector<std::unique_ptr<Message>> GoodRequests(const std::string& name,
                                                     const rpc::AccessRule& rule) {
    std::vector<std::string> texts;
    const auto [begin, end] = kGood.equal_range(name);
    for (auto one = begin; one != end; ++one) texts.push_back(one->second);
    const bool is_named = rule.request->FindFieldByName("collection") != nullptr;
    if (texts.empty()) texts.emplace_back(is_named ? R"(collection: "c")" : "");
    std::vector<std::unique_ptr<Message>> requests;
    for (const std::string& text : texts) {
      requests.emplace_back(MessageFactory::generated_factory()->GetPrototype(rule.request)->New());
      EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, requests.back().get()))
          << name;
    }
    return requests;
  }

  // Sends `whole` once for each field of `part`, which is in it, with that field too long.
  void Lengthen(const rpc::AccessRule& rule, Message* whole, Message* part,
                std::set<const Descriptor*> above) {
    if (!above.insert(part->GetDescriptor()).second) return;  // filters hold filters
    for (int i = 0; i < part->GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor* const field = part->GetDescriptor()->field(i);
      const std::unique_ptr<Message> kept(part->New());
      kept->CopyFrom(*part);
      if (SetTooLong(part, field)) ExpectRefused(rule, *whole, *field);
      part->CopyFrom(*kept);
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      const Reflection& reflection = *part->GetReflection();
      Message* const inner = !field->is_repeated() ? reflection.MutableMessage(part, field)
                             : reflection.FieldSize(*part, field) > 0
                                 ? reflection.MutableRepeatedMessage(part, field, 0)
                                 : reflection.AddMessage(part, field);
      Lengthen(rule, whole, inner, above);
      part->CopyFrom(*kept);
    }
  }

  static bool SetTooLong(Message* message, const FieldDescriptor* field) {
    const Reflection& reflection = *message->GetReflection();
    if (field->is_repeated()) {
      for (int i = 0; i < kMembers; ++i) AddMember(message, field);
      return true;
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return false;
    const bool is_text = field->type() == FieldDescriptor::TYPE_STRING;
    reflection.SetString(message, field, std::string(is_text ? kTextBytes : kBytes, 'a'));
    return true;
  }
  static void AddMember(Message* message, const FieldDescriptor* field) {
    const Reflection& reflection = *message->GetReflection();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        reflection.AddMessage(message, field);
        return;
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.AddString(message, field, "a");
      case FieldDescriptor::CPPTYPE_FLOAT:
        return reflection.AddFloat(message, field, 1);
      case FieldDescriptor::CPPTYPE_UINT64:
        return reflection.AddUInt64(message, field, 1);
      case FieldDescriptor::CPPTYPE_UINT32:
        return reflection.AddUInt32(message, field, 1);
      default:
        FAIL() << field->full_name() << " is a list of a type that this test does not know yet";
    }
  }

  void ExpectRefused(const rpc::AccessRule& rule, const Message& request,
                     const FieldDescriptor& field) {
    ++sent_;
    const absl::Status status = CallOrAnswer(rule.method, request, With("of all"));
    EXPECT_TRUE(status.code() == absl::StatusCode::kInvalidArgument ||
                status.code() == absl::StatusCode::kResourceExhausted)
        << rule.method << " takes any length of " << field.full_name() << ": " << status;
  }

  int sent_ = 0;
};

TEST_F(RequestLimits, EachTextAndListOfEachRequestHasALimit) {
  for (const auto& [name, rule] : rules_.all()) {
    for (const auto& request : GoodRequests(name, rule)) {
      Lengthen(rule, request.get(), request.get(), {});
    }
  }
  EXPECT_GT(sent_, 100) << "the walk has found too few fields to be whole";
}

// A request that is refused for another reason would show nothing.
TEST_F(RequestLimits, TheRequestsOfThisTestAreGoodBeforeTheyAreLengthened) {
  for (const auto& [name, rule] : rules_.all()) {
    if (name == "DeleteCollection") continue;
    for (const auto& request : GoodRequests(name, rule)) {
      const absl::Status status = CallOrAnswer(rule.method, *request, With("of all"));
      EXPECT_FALSE(status.code() == absl::StatusCode::kInvalidArgument ||
                   status.code() == absl::StatusCode::kResourceExhausted)
          << rule.method << ": " << status << "; give this test a good request for it";
    }
  }
}

}  // namespace
}  // namespace kith
