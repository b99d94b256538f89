#include "cli/import/progress_file.h"

#include <fmt/format.h>

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

absl::Status Senseless(const std::string& path) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kFormatVersion,
               fmt::format("{}: is no progress file of this program; --restart begins the import "
                           "anew and replaces it",
                           path));
}

bool ReadNumber(const Json& json, const char* name, uint64_t& value) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number_unsigned()) return false;
  value = found->get<uint64_t>();
  return true;
}

bool ReadText(const Json& json, const char* name, std::string& value) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return false;
  value = found->get<std::string>();
  return true;
}

bool ReadHash(const Json& json, const char* name, Hash128& value) {
  std::string text;
  if (!ReadText(json, name, text)) return false;
  const absl::StatusOr<Hash128> hash = Hash128FromHex(text);
  if (!hash.ok()) return false;
  value = *hash;
  return true;
}

}  // namespace

absl::StatusOr<std::optional<ImportProgress>> LoadProgress(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return std::optional<ImportProgress>();
    return Senseless(path);
  }
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const Json json = Json::parse(text, nullptr, false);
  uint64_t format = 0;
  ImportProgress progress;
  const bool whole = json.is_object() && ReadNumber(json, "format", format) && format == kFormat &&
                     ReadHash(json, "file_identity", progress.file_identity) &&
                     ReadHash(json, "import_id", progress.import_id) &&
                     ReadText(json, "incarnation", progress.incarnation) &&
                     ReadNumber(json, "first_id", progress.first_id) &&
                     ReadNumber(json, "row", progress.position.row) &&
                     ReadNumber(json, "byte", progress.position.byte) &&
                     ReadNumber(json, "written", progress.written) &&
                     ReadNumber(json, "rejected", progress.rejected) &&
                     ReadText(json, "rejects_path", progress.rejects_path) &&
                     ReadNumber(json, "rejects_bytes", progress.rejects_bytes);
  if (!whole) return Senseless(path);
  return std::optional<ImportProgress>(progress);
}

absl::Status SaveProgress(const std::string& path, const ImportProgress& progress) {
  const Json json = {{"format", kFormat},
                     {"file_identity", ToHex(progress.file_identity)},
                     {"import_id", ToHex(progress.import_id)},
                     {"incarnation", progress.incarnation},
                     {"first_id", progress.first_id},
                     {"row", progress.position.row},
                     {"byte", progress.position.byte},
                     {"written", progress.written},
                     {"rejected", progress.rejected},
                     {"rejects_path", progress.rejects_path},
                     {"rejects_bytes", progress.rejects_bytes}};
  return WriteWholeFile(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace kith::cli
