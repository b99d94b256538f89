#include "common/telemetry/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <exception>
#include <memory>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::telemetry {
namespace {

absl::StatusOr<spdlog::level::level_enum> LevelFrom(const std::string& name) {
  const spdlog::level::level_enum level = spdlog::level::from_str(name);
  // from_str answers "off" for everything it does not know.
  if (level == spdlog::level::off && name != "off") {
    return FieldError(
        "log.level", reason::kBadRequest,
        fmt::format("is \"{}\"; say trace, debug, info, warning, error or off", name));
  }
  return level;
}

absl::StatusOr<spdlog::sink_ptr> SinkFor(const std::string& file) {
  if (file.empty()) return spdlog::sink_ptr(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  try {
    return spdlog::sink_ptr(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file));
  } catch (const std::exception& error) {
    return FieldError("log.file", reason::kBadRequest,
                      fmt::format("cannot be written: {}; name a file in an existing, writable "
                                  "directory",
                                  error.what()));
  }
}

}  // namespace

absl::Status SetUpLog(const LogOptions& options) {
  KITH_ASSIGN_OR_RETURN(const spdlog::level::level_enum level, LevelFrom(options.level));
  KITH_ASSIGN_OR_RETURN(spdlog::sink_ptr sink, SinkFor(options.file));
  auto logger = std::make_shared<spdlog::logger>("kith", std::move(sink));
  logger->set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l thread=%t %v",
                      spdlog::pattern_time_type::utc);
  logger->set_level(level);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return absl::OkStatus();
}

std::string LogValue(std::string_view value) {
  bool plain = !value.empty();
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7f || c == '"' || c == '\\' || c == '=') plain = false;
  }
  if (plain) return std::string(value);
  std::string quoted = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < ' ' || byte == 0x7f) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace kith::telemetry
