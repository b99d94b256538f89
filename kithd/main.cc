// kithd: reads the configuration, runs the role it names until it is told to stop.
//
// Exit codes: 0 after a clean stop, 1 where it cannot start or flush, 2 for a bad configuration.
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/config/load_config.h"
#include "common/rpc/grpc_server.h"
#include "common/telemetry/log.h"
#include "index/kernels/kernel_choice.h"
#include "kithd/flags.h"
#include "kithd/roles.h"
#include "kithd/version.h"

namespace {

using kith::config::LoadedConfig;

constexpr int kCannotRun = 1;
constexpr int kBadConfig = 2;
constexpr timespec kHealthEvery = {0, 200'000'000};

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

// Every thread inherits the mask, so that only WaitForSignal sees these.
sigset_t BlockStopSignals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  return stop;
}

int WaitForSignal(const sigset_t& stop, kith::kithd::Process& process) {
  while (true) {
    process.UpdateHealth();
    const int received = sigtimedwait(&stop, nullptr, &kHealthEvery);
    if (received > 0) return received;
  }
}

// From now on a stop signal ends the process at once.
void LetSignalsKill(const sigset_t& stop) {
  signal(SIGTERM, [](int) { _exit(kCannotRun); });
  signal(SIGINT, [](int) { _exit(kCannotRun); });
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
}

void LogStart(const LoadedConfig& loaded) {
  spdlog::info("event=start version={} role={} pid={}", kith::kithd::kVersion,
               kith::config::RoleName(loaded.config.role), getpid());
  for (const std::string& line : kith::config::DescribeConfig(loaded)) {
    spdlog::info("event=config {}", line);
  }
}

int Serve(const LoadedConfig& loaded, const sigset_t& stop) {
  LogStart(loaded);
  kith::rpc::RouteGrpcLog();
  auto process = kith::kithd::Process::Start(loaded.config);
  if (!process.ok()) return Fail(kCannotRun, process.status());
  const int received = WaitForSignal(stop, **process);
  spdlog::info("event=stop signal={}", strsignal(received));
  LetSignalsKill(stop);
  const absl::Status stopped = (*process)->Stop();
  if (!stopped.ok()) return Fail(kCannotRun, stopped);
  spdlog::info("event=stopped");
  return 0;
}

int CheckOnly(const LoadedConfig& loaded) {
  for (const std::string& line : kith::config::DescribeConfig(loaded)) fmt::print("{}\n", line);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const sigset_t stop = BlockStopSignals();
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
  return Serve(*loaded, stop);
}
