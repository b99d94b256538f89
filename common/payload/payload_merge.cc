#include "common/payload/payload_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith {
namespace {

using Json = nlohmann::json;

struct Member {
  std::string name;
  std::string_view text;   // from its name to the end of its value
  std::string_view value;  // of it
};

// Cuts the outermost object of a text that is known to be JSON into its members.
class MemberReader {
 public:
  explicit MemberReader(std::string_view text) : text_(text) {}

  // Nothing where the text is no object.
  std::optional<std::vector<Member>> Read() {
    SkipSpace();
    if (Next() != '{') return std::nullopt;
    ++at_;
    std::vector<Member> members;
    for (SkipSpace(); Next() == '"'; SkipSpace()) {
      const size_t begin = at_;
      SkipString();
      Member& member = members.emplace_back();
      member.name = Json::parse(text_.substr(begin, at_ - begin)).get<std::string>();
      SkipSpace();
      ++at_;  // the colon
      SkipSpace();
      const size_t value = at_;
      SkipValue();
      member.value = text_.substr(value, at_ - value);
      member.text = text_.substr(begin, at_ - begin);
      SkipSpace();
      if (Next() == ',') ++at_;
    }
    return members;
  }

 private:
  char Next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void SkipSpace() { at_ = std::min(text_.find_first_not_of(" \t\n\r", at_), text_.size()); }

  void SkipString() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) at_ += text_[at_] == '\\' ? 1 : 0;
    ++at_;
  }

  void SkipValue() {
    size_t depth = 0;
    while (at_ < text_.size()) {
      const char letter = text_[at_];
      const bool opens = letter == '{' || letter == '[';
      const bool closes = letter == '}' || letter == ']';
      if (depth == 0 && (closes || letter == ',' || IsSpace(letter))) return;
      if (letter == '"') {
        SkipString();
      } else {
        ++at_;
      }
      depth += opens ? 1 : 0;
      depth -= closes ? 1 : 0;
      if (depth == 0 && (closes || letter == '"')) return;
    }
  }

  static bool IsSpace(char letter) {
    return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r';
  }

  const std::string_view text_;
  size_t at_ = 0;
};

std::optional<std::vector<Member>> MembersOf(std::string_view text) {
  if (text.empty()) return std::vector<Member>();
  if (!Json::accept(text.begin(), text.end())) return std::nullopt;
  return MemberReader(text).Read();
}

void Append(std::string_view text, std::string& object) {
  if (object.size() > 1) object += ',';
  object += text;
}

}  // namespace

absl::Status CheckPayloadChange(std::string_view change) {
  const auto members = change.empty() ? std::nullopt : MembersOf(change);
  if (!members.has_value()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadPayload,
                 "is no JSON object of the fields to set");
  }
  std::set<std::string_view> names;
  for (const Member& member : *members) {
    if (names.insert(member.name).second) continue;
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadPayload,
                 fmt::format("field {} comes twice", member.name));
  }
  return absl::OkStatus();
}

std::optional<std::string> MergePayload(std::string_view stored, std::string_view change) {
  const auto before = MembersOf(stored);
  const auto changes = MembersOf(change);
  if (!before.has_value() || !changes.has_value()) return std::nullopt;
  std::map<std::string_view, const Member*> left;  // changes that have no place yet
  std::set<std::string_view> changed;
  for (const Member& member : *changes) {
    left.emplace(member.name, &member);
    changed.insert(member.name);
  }
  std::string merged = "{";
  for (const Member& member : *before) {
    if (!changed.contains(member.name)) {
      Append(member.text, merged);
      continue;
    }
    const auto change_of = left.find(member.name);
    if (change_of == left.end()) continue;  // the payload has the field twice
    if (change_of->second->value != "null") Append(change_of->second->text, merged);
    left.erase(change_of);
  }
  for (const Member& member : *changes) {
    if (left.contains(member.name) && member.value != "null") Append(member.text, merged);
  }
  return merged + "}";
}

std::string ClearingChange(const std::vector<std::string>& fields) {
  std::string change = "{";
  for (const std::string& field : fields) {
    const auto name = Json(field).dump(-1, ' ', false, Json::error_handler_t::replace);
    Append(name + ":null", change);
  }
  return change + "}";
}

}  // namespace kith
