#include "cli/console/json_output.h"

#include "cli/data/output_file.h"

namespace kith::cli {

absl::Status WriteJson(const Json& value, const std::string& target, Terminal& terminal) {
  if (target.empty()) return absl::OkStatus();
  const std::string text = value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (target != "-") return WriteWholeFile(target, text);
  terminal.out << text;
  terminal.out.flush();
  return absl::OkStatus();
}

}  // namespace kith::cli
