// What a person writes behind kith's --filter and --payload-field: JSON to a message, to the plain
// filter, to a checked one, and back.
#include "cli/client/filter_text.h"

#include <google/protobuf/util/json_util.h>

#include "common/payload/filter_check.h"
#include "common/rpc/filter_messages.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

const PayloadSchema kSchema = {{"tags", FieldType::kKeyword},
                               {"year", FieldType::kInteger},
                               {"price", FieldType::kDouble},
                               {"new", FieldType::kBoolean}};

void TakeFilter(const std::string& text) {
  const auto message = cli::ParseFilter(text);
  if (!message.ok()) return;
  const auto filter = rpc::FilterFromProto(*message, "filter");
  if (!filter.ok() || !CheckFilter(*filter, kSchema, "filter").ok()) return;
  v1::Filter again;
  rpc::FilterToProto(*filter, &again);
  const auto filter_again = rpc::FilterFromProto(again, "filter");
  Require(filter_again.ok() && *filter_again == *filter, "a filter comes back as it was");
  std::string json;
  Require(google::protobuf::util::MessageToJsonString(again, &json).ok(), "and can be written");
}

}  // namespace

std::vector<std::string> Seeds() {
  return {R"({"match": {"field": "tags", "value": {"keyword": "red"}}})",
          R"({"match_any": {"field": "year", "values": [{"integer": "7"}, {"integer": 8}]}})",
          R"({"range": {"field": "price", "gte": {"number": 1.5}, "lt": {"integer": 9}}})",
          R"({"all_of": {"filters": [{"exists": {"field": "new"}}, {"none_of": {"filters": )"
          R"([{"has_id": {"ids": [{"number": "1"}, {"uuid": "MDEyMzQ1Njc4OWFiY2RlZg=="}]}}]}}]}})",
          R"({"any_of": {"filters": [{"match": {"field": "new", "value": {"boolean": true}}}]}})",
          "color:keyword",
          "a:b:double",
          ":boolean"};
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  kith::fuzz::TakeFilter(text);
  (void)kith::cli::ParsePayloadField(text);
  return 0;
}
