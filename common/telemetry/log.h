#ifndef KITH_COMMON_TELEMETRY_LOG_H_
#define KITH_COMMON_TELEMETRY_LOG_H_

#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace kith::telemetry {

struct LogOptions {
  std::string level = "info";  // trace, debug, info, warning, error, off
  std::string file;            // empty: standard error
};

// Sets up the process's log: one line per state change, time=... level=... msg=key=value pairs.
// INVALID_ARGUMENT names the bad level or the file that cannot be written.
absl::Status SetUpLog(const LogOptions& options);

// A value of a key=value pair: quoted where it has spaces, quotes or control characters, so that
// text from outside cannot forge a line.
std::string LogValue(std::string_view value);

}  // namespace kith::telemetry

#endif  // KITH_COMMON_TELEMETRY_LOG_H_
