#include "common/rpc/grpc_server.h"

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/deadline.h"
#include "common/rpc/tls_credentials.h"
#include "common/telemetry/log.h"

namespace kith::rpc {
namespace {

constexpr int kPingIntervalMinMs = 5'000;  // what a client of ours may send, see channel.cc

void Configure(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits::kMessageBytesMax));
  builder.SetMaxSendMessageSize(static_cast<int>(limits::kMessageBytesMax));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits::kStreamsPerConnectionMax);
  // Many callers that each send 64 MiB at once must not take the machine's memory.
  grpc::ResourceQuota quota("kith");
  quota.Resize(limits::kServerBufferBytesMax);
  builder.SetResourceQuota(quota);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kPingIntervalMinMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
}

void LogFromGrpc(gpr_log_func_args* args) {
  spdlog::debug("event=grpc file={} line={} text={}", args->file, args->line,
                telemetry::LogValue(args->message));
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcServerOptions& options) {
  if (options.tls.is_on()) KITH_RETURN_IF_ERROR(auth::CheckTlsFiles(options.tls));
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto server = std::unique_ptr<GrpcServer>(new GrpcServer());
  grpc::ServerBuilder builder;
  Configure(builder);
  builder.AddListeningPort(options.address, ServerCredentialsOf(options.tls), &server->port_);
  for (grpc::Service* service : options.services) builder.RegisterService(service);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || server->port_ == 0) {
    return Error(absl::StatusCode::kUnavailable, reason::kBadRequest,
                 fmt::format("cannot listen on {}: is the port in use, or the address not this "
                             "machine's? Stop the other process or choose another address",
                             options.address));
  }
  server->SetHealth(Health::kNotServing);
  return server;
}

GrpcServer::~GrpcServer() { Shutdown(DeadlineIn(std::chrono::seconds(0))); }

void GrpcServer::SetHealth(Health health) {
  if (server_ == nullptr) return;
  for (const char* service : {"", "search", "write"}) {
    server_->GetHealthCheckService()->SetServingStatus(service, health == Health::kServing);
  }
}

std::shared_ptr<grpc::Channel> GrpcServer::InProcessChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(limits::kMessageBytesMax));
  return server_->InProcessChannel(arguments);
}

void GrpcServer::Shutdown(Deadline deadline) {
  if (server_ == nullptr) return;
  server_->GetHealthCheckService()->Shutdown();
  server_->Shutdown(ToSystemClock(deadline));
  server_.reset();
}

void RouteGrpcLog() { gpr_set_log_function(LogFromGrpc); }

}  // namespace kith::rpc
