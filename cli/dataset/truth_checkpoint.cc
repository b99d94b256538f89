#include "cli/dataset/truth_checkpoint.h"

#include <fmt/format.h>

#include <bit>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/console/json_output.h"
#include "cli/data/output_file.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr uint64_t kFormat = 1;

absl::Status NotOurs(const std::string& path, std::string_view what) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kFormatVersion,
               fmt::format("{}: {}; name another --checkpoint, or remove the file to begin anew",
                           path, what));
}

// A query's list: row and rank's bits by turns.
std::optional<std::vector<Candidate>> ListFrom(const Json& json) {
  if (!json.is_array() || json.size() % 2 != 0) return std::nullopt;
  std::vector<Candidate> list;
  for (size_t i = 0; i < json.size(); i += 2) {
    if (!json[i].is_number_unsigned() || !json[i + 1].is_number_unsigned()) return std::nullopt;
    list.push_back({std::bit_cast<float>(json[i + 1].get<uint32_t>()), json[i].get<uint32_t>()});
  }
  return list;
}

std::optional<TruthProgress> ProgressFrom(const Json& json) {
  if (!json.is_object() || json.value("format", uint64_t{0}) != kFormat) return std::nullopt;
  const auto identity = json.find("identity"), row = json.find("next_row"),
             nearest = json.find("nearest");
  if (identity == json.end() || !identity->is_string() || row == json.end() ||
      !row->is_number_unsigned() || nearest == json.end() || !nearest->is_array()) {
    return std::nullopt;
  }
  TruthProgress progress{identity->get<std::string>(), row->get<uint64_t>(), {}};
  for (const Json& of_query : *nearest) {
    auto list = ListFrom(of_query);
    if (!list) return std::nullopt;
    progress.nearest.push_back(*std::move(list));
  }
  return progress;
}

}  // namespace

absl::Status SaveTruthProgress(const std::string& path, const TruthProgress& progress) {
  Json nearest = Json::array();
  for (const std::vector<Candidate>& list : progress.nearest) {
    Json of_query = Json::array();
    for (const Candidate& candidate : list) {
      of_query.push_back(candidate.row);
      of_query.push_back(std::bit_cast<uint32_t>(candidate.rank));
    }
    nearest.push_back(std::move(of_query));
  }
  const Json json = {{"format", kFormat},
                     {"identity", progress.identity},
                     {"next_row", progress.next_row},
                     {"nearest", std::move(nearest)}};
  return WriteWholeFile(path, json.dump());
}

absl::StatusOr<std::optional<TruthProgress>> LoadTruthProgress(const std::string& path,
                                                               const std::string& identity) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::optional<TruthProgress>();
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  auto progress = ProgressFrom(Json::parse(text, nullptr, false));
  if (!progress) return NotOurs(path, "is no checkpoint of this program");
  if (progress->identity != identity) {
    return NotOurs(path, "is of other files, another metric or another --k");
  }
  return progress;
}

}  // namespace kith::cli
