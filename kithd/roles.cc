#include "kithd/roles.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "common/base/memory.h"
#include "common/base/status.h"
#include "common/config/listen_address.h"
#include "common/telemetry/log.h"
#include "kithd/version.h"

namespace kith::kithd {

using config::Role;

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const config::ServerConfig& config) {
  auto process = std::unique_ptr<Process>(new Process(config));
  KITH_RETURN_IF_ERROR(process->StartHttp());
  KITH_RETURN_IF_ERROR(process->StartRoles());
  process->stage_ = Stage::kRunning;
  return process;
}

Process::Process(const config::ServerConfig& config) : config_(config), certificates_(config) {
  metrics_
      .GetGauge({"kith_build_info", "What runs; always 1."},
                {{"version", kVersion}, {"role", config::RoleName(config.role)}})
      .Set(1);
  metrics_.PullGauges({"kith_allocator_bytes", "Memory of the process that is no mapped file."},
                      [] {
                        const AllocatorBytes bytes = ReadAllocator();
                        return std::vector<telemetry::Sample>{
                            {{{"state", "used"}}, static_cast<double>(bytes.used)},
                            {{{"state", "free"}}, static_cast<double>(bytes.free)}};
                      });
}

Process::~Process() {
  // The pages and the metrics look at the roles.
  if (http_ != nullptr) http_->Stop();
  metrics_.ClearPulls();
}

absl::Status Process::StartHttp() {
  KITH_RETURN_IF_ERROR(config::CheckCanListen("http.listen", config_.http.listen));
  KITH_ASSIGN_OR_RETURN(const config::ListenAddress address,
                        config::ListenAddress::Parse("http.listen", config_.http.listen));
  if (config_.role != Role::kShard) {
    const bool is_closed = address.is_loopback() && !config_.insecure_listen;
    const http::RefusalRules rules = {.host = is_closed ? http::HostRule::kThisMachine
                                                        : http::HostRule::kAny};
    KITH_ASSIGN_OR_RETURN(rest_, http::RestGateway::Make(rules, kVersion));
  }
  http::HttpServerOptions options = {.host = address.host, .port = address.port};
  if (config_.http.tls.is_on()) {
    KITH_ASSIGN_OR_RETURN(http_identity_, auth::WatchedIdentity::Open(config_.http.tls));
    options.set_up_tls = [this](SSL_CTX& context) {
      http_identity_->Install(&context);
      return true;
    };
  }
  KITH_ASSIGN_OR_RETURN(
      http_, http::HttpServer::Start(options, {.metrics = [this] { return metrics_.Text(); },
                                               .ready = [this] { return Ready(); },
                                               .rest = rest_.get()}));
  spdlog::info("event=listening what=http address={} port={}", config_.http.listen, http_->port());
  return absl::OkStatus();
}

absl::Status Process::StartRoles() {
  const Surroundings around{clock_, metrics_, requests_};
  const bool has_node = config_.role != Role::kCoordinator;
  const bool has_coordinator = config_.role != Role::kShard;
  // Before the data is opened, which can take long.
  KITH_RETURN_IF_ERROR(has_coordinator
                           ? config::CheckCanListen("grpc.listen", config_.grpc.listen)
                           : config::CheckCanListen("node.listen", config_.node.listen));
  if (has_node) {
    KITH_ASSIGN_OR_RETURN(shard_, ShardRole::Start(config_, around));
  }
  if (has_coordinator) {
    ShardService* const local = has_node ? &shard_->node() : nullptr;
    LocalBackups* const backups = has_node ? shard_->backups() : nullptr;
    KITH_ASSIGN_OR_RETURN(coordinator_, CoordinatorRole::Start({config_, local, backups}, around));
    rest_->Open(coordinator_->MakeRestCalls());
  }
  return absl::OkStatus();
}

http::Readiness Process::Ready() {
  if (stage_ == Stage::kStarting) return {false, "starting: shards are being loaded"};
  if (stage_ == Stage::kStopping) return {false, "stopping"};
  PartReadiness ready{true, ""};
  if (shard_ != nullptr) ready = shard_->readiness();
  // Of a whole cluster in one process the node knows best what is wrong with its shards.
  if (ready.is_ready && coordinator_ != nullptr) {
    const PartReadiness cluster = coordinator_->readiness();
    ready.is_ready = cluster.is_ready;
    if (ready.trouble.empty()) ready.trouble = cluster.trouble;
  }
  return {ready.is_ready, ready.trouble};
}

bool Process::UpdateHealth() {
  const http::Readiness ready = Ready();
  const bool is_change = ready.is_ready != is_serving_;
  if (!is_change && ready.text == trouble_) return is_serving_;
  trouble_ = ready.text;
  is_serving_ = ready.is_ready;
  if (is_change) SetHealth(is_serving_ ? Health::kServing : Health::kNotServing);
  if (!is_serving_) {
    spdlog::warn("event=not_ready reason={}", telemetry::LogValue(trouble_));
  } else if (trouble_.empty()) {
    spdlog::info("event=ready");
  } else {
    spdlog::warn("event=ready_in_part reason={}", telemetry::LogValue(trouble_));
  }
  return is_serving_;
}

void Process::RefreshFiles() {
  if (coordinator_ != nullptr) coordinator_->RefreshEntrance();
  certificates_.Look();
}

void Process::SetHealth(Health health) {
  if (shard_ != nullptr) shard_->SetHealth(health);
  if (coordinator_ != nullptr) coordinator_->SetHealth(health);
}

absl::Status Process::Stop() {
  const Deadline deadline = DeadlineIn(std::chrono::seconds(config_.grpc.drain_seconds));
  stage_ = Stage::kStopping;
  SetHealth(Health::kNotServing);
  if (rest_ != nullptr) rest_->Close(deadline);
  if (coordinator_ != nullptr) coordinator_->EndCalls(deadline);
  if (shard_ != nullptr) shard_->Drain();
  if (coordinator_ != nullptr) coordinator_->EndOperations();
  absl::Status closed;
  if (shard_ != nullptr) closed = shard_->Stop(deadline);
  http_->Stop();
  metrics_.ClearPulls();
  coordinator_.reset();
  shard_.reset();
  return closed;
}

}  // namespace kith::kithd
