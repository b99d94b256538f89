#include "common/config/yaml_file.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::config {
namespace {

constexpr int kDepthMax = 8;
// A name for a map (an alias) may stand in many places: few bytes can be keys without end.
constexpr size_t kKeysMax = 1000;
constexpr uintmax_t kBytesMax = 1 << 20;

struct Walk {
  std::string file;
  std::set<std::string> seen;
  std::vector<YamlValue> values;
};

absl::Status AtMark(const Walk& walk, const YAML::Mark& mark, const std::string& message) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("{}:{}: {}", walk.file, mark.line + 1, message));
}

absl::Status At(const Walk& walk, const YAML::Node& node, const std::string& message) {
  return AtMark(walk, node.Mark(), message);
}

// Hears where the first node of a document stands. The library's LoadAll is no way to learn of a
// second document: after bytes that it does not get over (", *a]") it goes on making documents
// until the memory is used up.
class FirstNode final : public YAML::EventHandler {
 public:
  const YAML::Mark& mark() const { return mark_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    mark_ = mark;
    is_met_ = false;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { Meet(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { Meet(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string&) override {
    Meet(mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    Meet(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    Meet(mark);
  }
  void OnMapEnd() override {}

 private:
  void Meet(const YAML::Mark& mark) {
    if (!is_met_) mark_ = mark;
    is_met_ = true;
  }

  YAML::Mark mark_;
  bool is_met_ = false;
};

// Throws as the library does.
absl::Status CheckOneDocument(const Walk& walk) {
  std::ifstream input(walk.file);
  YAML::Parser parser(input);
  FirstNode first;
  if (!parser.HandleNextDocument(first) || !parser.HandleNextDocument(first)) {
    return absl::OkStatus();
  }
  return AtMark(walk, first.mark(), "a second document begins here; the configuration is one");
}

// The text of one entry of a list: its maps have exactly `name` and `address`.
absl::Status AddEntry(Walk& walk, const YAML::Node& entry, YamlValue& value) {
  const bool shaped = entry.IsMap() && entry.size() == 2 && entry["name"].IsDefined() &&
                      entry["address"].IsDefined() && entry["name"].IsScalar() &&
                      entry["address"].IsScalar();
  if (!shaped) {
    return At(walk, entry,
              fmt::format("an entry of {} must be {{name: ..., address: host:port}}", value.path));
  }
  const std::string text = entry["name"].Scalar() + "=" + entry["address"].Scalar();
  // Either would make other entries of the text than the file has.
  if (text.find(',') != std::string::npos || text.find('=') != text.rfind('=')) {
    return At(walk, entry,
              fmt::format("an entry of {} has ',' or '=' in its name or address", value.path));
  }
  if (!value.text.empty()) value.text += ',';
  value.text += text;
  return absl::OkStatus();
}

absl::Status Visit(Walk& walk, const YAML::Node& node, YamlValue value) {
  if (node.IsScalar()) {
    value.text = node.Scalar();
  } else if (node.IsSequence()) {
    value.is_list = true;
    for (const YAML::Node& entry : node) KITH_RETURN_IF_ERROR(AddEntry(walk, entry, value));
  } else {
    value.is_section = true;
  }
  walk.values.push_back(std::move(value));
  return absl::OkStatus();
}

absl::Status VisitMap(Walk& walk, const YAML::Node& map, const std::string& prefix, int depth) {
  if (depth > kDepthMax) return At(walk, map, "keys are nested too deeply");
  for (const auto& pair : map) {
    if (!pair.first.IsScalar()) return At(walk, pair.first, "a key must be plain text");
    const std::string path =
        prefix.empty() ? pair.first.Scalar() : prefix + "." + pair.first.Scalar();
    if (walk.seen.size() == kKeysMax) {
      return At(walk, pair.first, fmt::format("there are more than {} keys", kKeysMax));
    }
    if (!walk.seen.insert(path).second) {
      return At(walk, pair.first, fmt::format("the key \"{}\" is given twice", path));
    }
    if (pair.second.IsMap()) {
      walk.values.push_back(
          {.path = path, .text = "", .line = pair.first.Mark().line + 1, .is_section = true});
      KITH_RETURN_IF_ERROR(VisitMap(walk, pair.second, path, depth + 1));
    } else {
      KITH_RETURN_IF_ERROR(
          Visit(walk, pair.second, {.path = path, .text = "", .line = pair.first.Mark().line + 1}));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckReadable(const std::string& file) {
  std::error_code error;
  const bool regular = std::filesystem::is_regular_file(file, error);
  const uintmax_t bytes = regular ? std::filesystem::file_size(file, error) : 0;
  if (regular && !error && bytes <= kBytesMax) return absl::OkStatus();
  const std::string why = error      ? error.message()
                          : !regular ? std::string("it is not a file")
                                     : std::string("it is larger than 1 MiB");
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("cannot read the configuration {}: {}", file, why));
}

}  // namespace

absl::StatusOr<std::vector<YamlValue>> ReadYaml(const std::string& file) {
  KITH_RETURN_IF_ERROR(CheckReadable(file));
  Walk walk{.file = file, .seen = {}, .values = {}};
  try {
    KITH_RETURN_IF_ERROR(CheckOneDocument(walk));
    const YAML::Node root = YAML::LoadFile(file);
    if (root.IsNull()) return walk.values;
    if (!root.IsMap()) return At(walk, root, "the file must be a map of keys");
    KITH_RETURN_IF_ERROR(VisitMap(walk, root, "", 0));
  } catch (const YAML::Exception& error) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
                 fmt::format("{}:{}: {}", file, error.mark.line + 1, error.msg));
  }
  return walk.values;
}

}  // namespace kith::config
