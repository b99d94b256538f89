// Payloads of points in a collection with indexed fields.
#include <algorithm>

#include "common/base/limits.h"
#include "common/payload/payload_values.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

const PayloadSchema kSchema = {{"tags", FieldType::kKeyword},
                               {"year", FieldType::kInteger},
                               {"price", FieldType::kDouble},
                               {"new", FieldType::kBoolean}};

}  // namespace

std::vector<std::string> Seeds() {
  return {R"({"tags": ["red", "b\u00e9ta", "\ud83d\ude00"], "year": -9223372036854775808, )"
          R"("price": 1e-300, "new": true, "more": [1, {"year": "x"}, null]})",
          R"({"tags": "one", "year": 7, "price": 18446744073709551615, "new": false})",
          R"({"tags": [], "price": -0.0, "x": {"tags": [[]]}})",
          R"({"year": 1.5})",
          "[1]",
          "null",
          R"({"year": 1, "year": 2})"};
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith;
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  const auto values = ReadIndexedValues(payload, fuzz::kSchema);
  if (!values.ok()) return 0;
  fuzz::Require(std::is_sorted(values->begin(), values->end()), "values come in order");
  fuzz::Require(values->size() <= limits::kKeywordsPerFieldMax + 3, "values are counted");
  for (const IndexedValue& value : *values) {
    fuzz::Require(
        value.field < fuzz::kSchema.size() && value.value.size() <= limits::kKeywordBytesMax,
        "a value belongs to a field and is short");
  }
  return 0;
}
