#include "cli/data/payload_text.h"

namespace kith::cli {

using Json = nlohmann::ordered_json;

namespace {

// Calls visit(c) for what stands outside of strings, until it answers false.
template <typename Visit>
void VisitSigns(std::string_view json, Visit visit) {
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && !visit(c)) {
      return;
    }
  }
}

}  // namespace

bool NestsDeeper(std::string_view json, int levels) {
  int depth = 0;
  bool is_deeper = false;
  VisitSigns(json, [&](char c) {
    if (c == '[' || c == '{') is_deeper = ++depth > levels;
    if (c == ']' || c == '}') --depth;
    return !is_deeper;
  });
  return is_deeper;
}

bool HasMoreMembers(std::string_view json, size_t members) {
  size_t found = 0;
  VisitSigns(json, [&](char c) {
    if (c == ':') ++found;
    return found <= members;
  });
  return found > members;
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
