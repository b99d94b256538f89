#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "cli/client/wire.h"
#include "cli/data/payload_text.h"
#include "cli/export/point_sink.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

// As few digits as give the same float again, read as a double first, as JSON numbers are.
void AppendNumber(float value, std::string& line) {
  if (value == 0) {
    line += std::signbit(value) ? "-0.0" : "0";  // "-0" would be read as a whole number
    return;
  }
  const size_t before = line.size();
  fmt::format_to(std::back_inserter(line), "{}", value);
  double read = 0;
  const bool same = absl::SimpleAtod(ToAbsl(std::string_view(line).substr(before)), &read) &&
                    static_cast<float>(read) == value;
  if (same) return;
  line.resize(before);
  fmt::format_to(std::back_inserter(line), "{:.17g}", static_cast<double>(value));
}

void AppendPayload(const std::string& payload, std::string& line) {
  if (payload.empty()) return;
  if (IsKeptByJson(payload)) {
    line += ",\"payload\":" + payload;
  } else {
    line += ",\"payload_base64\":\"" + absl::Base64Escape(payload) + "\"";
  }
}

}  // namespace

absl::StatusOr<std::string> JsonLine(const v1::StoredPoint& point, ElementType type) {
  KITH_ASSIGN_OR_RETURN(const std::vector<float> elements, Elements(point.vector(), type));
  std::string line = "{\"id\":" + IdJson(point.id()).dump() + ",\"vector\":[";
  for (size_t i = 0; i < elements.size(); ++i) {
    if (i > 0) line += ',';
    AppendNumber(elements[i], line);
  }
  line += ']';
  AppendPayload(point.payload(), line);
  line += "}\n";
  return line;
}

}  // namespace kith::cli
