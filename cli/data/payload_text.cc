#include "cli/data/payload_text.h"

namespace kith::cli {

using Json = nlohmann::ordered_json;

bool NestsDeeper(std::string_view json, int levels) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == '[' || c == '{')) {
      if (++depth > levels) return true;
    } else if (!in_string && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return false;
}

std::string PayloadText(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool IsKeptByJson(const std::string& payload) {
  if (NestsDeeper(payload, kNestingMax - 1)) return false;
  const Json value = Json::parse(payload, nullptr, false);
  return !value.is_discarded() && PayloadText(value) == payload;
}

}  // namespace kith::cli
