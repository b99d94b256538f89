// kithd: reads the configuration, runs the role it names until it is told to stop.
//
// SIGTERM, SIGINT and SIGHUP stop it; with keys or certificates SIGHUP only says that they changed.
// Exit codes: 0 after a clean stop, 1 where it cannot start or flush, or was stopped while it
// started or a second time, 2 for a bad configuration.
#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/lock_order.h"
#include "common/base/memory.h"
#include "common/base/scheduling.h"
#include "common/config/load_config.h"
#include "common/rpc/grpc_server.h"
#include "common/rpc/poller_limit.h"
#include "common/telemetry/log.h"
#include "index/kernels/kernel_choice.h"
#include "kithd/flags.h"
#include "kithd/roles.h"
#include "kithd/stop_signals.h"
#include "kithd/version.h"

namespace {

using kith::config::LoadedConfig;
using kith::kithd::StopSignals;

constexpr int kCannotRun = 1;
constexpr int kBadConfig = 2;
constexpr std::chrono::milliseconds kHealthEvery{200};
// Beyond grpc.drain_seconds: deploy/kith.service waits a little longer than both.
constexpr std::chrono::seconds kFlushLimit{60};

// One line on standard error, whether the log goes there or into a file.
int Fail(int code, std::string_view message) {
  fmt::print(stderr, "kithd: {}\n", message);
  return code;
}

int Fail(int code, const absl::Status& status) { return Fail(code, std::string(status.message())); }

std::vector<std::string> Environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  return variables;
}

int WaitForSignal(StopSignals& signals, kith::kithd::Process& process) {
  while (true) {
    process.UpdateHealth();
    process.RefreshFiles();
    if (const auto received = signals.WaitFor(kHealthEvery)) return *received;
  }
}

void LogStart(const LoadedConfig& loaded) {
  spdlog::info("event=start version={} role={} pid={}", kith::kithd::kVersion,
               kith::config::RoleName(loaded.config.role), getpid());
  for (const std::string& line : kith::config::DescribeConfig(loaded)) {
    spdlog::info("event=config {}", line);
  }
  for (const auto& port : kith::config::OpenPorts(loaded.config)) {
    spdlog::warn("event=insecure_listen port={} address={} text={}", port.field, port.address,
                 kith::telemetry::LogValue("other machines can reach it, and " + port.why));
  }
}

int Serve(const LoadedConfig& loaded, StopSignals& signals) {
  kith::SetTurns(kith::Turns::kShort);  // of gRPC's threads too, which nobody else could ask
  LogStart(loaded);
  kith::rpc::RouteGrpcLog();
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  const kith::rpc::PollerLimit pollers(kith::rpc::PollerLimit::ThreadsFor(cores));
  auto process = kith::kithd::Process::Start(loaded.config);
  if (!process.ok()) return Fail(kCannotRun, process.status());
  signals.StartIsOver();
  const int received = WaitForSignal(signals, **process);
  spdlog::info("event=stop signal={}", kith::telemetry::LogValue(strsignal(received)));
  signals.LimitStop(std::chrono::seconds(loaded.config.grpc.drain_seconds) + kFlushLimit);
  const absl::Status stopped = (*process)->Stop();
  if (!stopped.ok()) return Fail(kCannotRun, stopped);
  spdlog::info("event=stopped");
  return 0;
}

// Who keeps such files is used to say by SIGHUP that they have changed, and means no stop.
bool ReadsFilesAgain(const kith::config::ServerConfig& config) {
  return !config.auth.keys_file.empty() || !config.auth.audit_file.empty() ||
         config.grpc.tls.is_on() || config.http.tls.is_on() || config.node.tls.is_on();
}

int CheckOnly(const LoadedConfig& loaded) {
  for (const std::string& line : kith::config::DescribeConfig(loaded)) fmt::print("{}\n", line);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  kith::StopLockOrderChecks();
  const kith::kithd::ParsedFlags parsed = kith::kithd::ParseFlags(argc, argv);
  if (!parsed.flags.has_value()) return parsed.exit_code;

  kith::config::ConfigInputs inputs = parsed.flags->inputs;
  inputs.environment = Environment();
  const auto loaded = kith::config::LoadConfig(inputs);
  if (!loaded.ok()) return Fail(kBadConfig, loaded.status());
  if (parsed.flags->check_config) return CheckOnly(*loaded);
  const std::string kernels = kith::index::CheckKernelChoice();
  if (!kernels.empty()) return Fail(kBadConfig, kernels);
  const absl::Status log =
      kith::telemetry::SetUpLog({loaded->config.log.level, loaded->config.log.file});
  if (!log.ok()) return Fail(kBadConfig, log);
  kith::KeepLargeBlocksApart();
  StopSignals signals(ReadsFilesAgain(loaded->config) ? StopSignals::Hangup::kIsNoticed
                                                      : StopSignals::Hangup::kStops);
  return Serve(*loaded, signals);
}
