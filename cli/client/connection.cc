#include "cli/client/connection.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_interceptor.h>

#include <limits>
#include <utility>
#include <vector>

#include "cli/client/credentials.h"
#include "cli/console/terminal.h"
#include "common/base/limits.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

using grpc::experimental::ClientInterceptorFactoryInterface;

bool LooksLikeHostAndPort(const std::string& endpoint) {
  const size_t colon = endpoint.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == endpoint.size()) return false;
  const std::string port = endpoint.substr(colon + 1);
  if (port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos) return false;
  return std::stoi(port) >= 1 && std::stoi(port) <= 65535;
}

// Adds the key to every call of a channel, whoever makes it.
class KeyInterceptor final : public grpc::experimental::Interceptor {
 public:
  explicit KeyInterceptor(const std::string& value) : value_(value) {}
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->emplace("authorization", value_);
    }
    methods->Proceed();
  }

 private:
  const std::string value_;
};

class KeySending final : public ClientInterceptorFactoryInterface {
 public:
  explicit KeySending(const std::string& key) : value_("Bearer " + key) {}
  grpc::experimental::Interceptor* CreateClientInterceptor(
      grpc::experimental::ClientRpcInfo*) override {
    return new KeyInterceptor(value_);
  }

 private:
  const std::string value_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& endpoint) {
  if (!LooksLikeHostAndPort(endpoint)) {
    return UsageError("--endpoint", fmt::format("\"{}\" is not HOST:PORT, such as {}", endpoint,
                                                kDefaultEndpoint));
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(limits::kMessageBytesMax) + (1 << 20));
  arguments.SetMaxSendMessageSize(-1);
  // A server that restarts is found again within seconds: the callers have their own backoff.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  KITH_ASSIGN_OR_RETURN(const Credentials credentials, CredentialsFromEnvironment());
  KITH_RETURN_IF_ERROR(CheckMaySend(credentials, endpoint));
  const auto secured = ChannelCredentialsOf(credentials);
  if (credentials.key.empty()) return grpc::CreateCustomChannel(endpoint, secured, arguments);
  std::vector<std::unique_ptr<ClientInterceptorFactoryInterface>> with_key;
  with_key.push_back(std::make_unique<KeySending>(credentials.key));
  return grpc::experimental::CreateCustomChannelWithInterceptors(endpoint, secured, arguments,
                                                                 std::move(with_key));
}

}  // namespace kith::cli
