#include <utility>

#include "common/config/listen_address.h"
#include "common/config/server_config.h"

namespace kith::config {
namespace {

// Empty where it is guarded.
std::string WhyClientsPortIsOpen(const auth::TlsFiles& tls, const AuthConfig& auth) {
  if (!tls.is_on()) return "what it says is not encrypted: give it a certificate (tls)";
  if (tls.is_mutual() || !auth.keys_file.empty()) return "";
  return "whoever comes is let in: name a file of keys (auth.keys_file), or whose certificates "
         "clients need (tls.client_ca_file)";
}

std::string WhyNodePortIsOpen(const auth::TlsFiles& tls) {
  return tls.is_mutual() ? ""
                         : "whoever comes is let in: give the nodes certificates of an authority "
                           "of their own (node.tls)";
}

void AddOpen(const std::string& field, const std::string& address, std::string why,
             std::vector<OpenPort>& open) {
  const auto parsed = ListenAddress::Parse(field, address);
  if (why.empty() || (parsed.ok() && parsed->is_loopback())) return;
  open.push_back({field, address, std::move(why)});
}

}  // namespace

std::vector<OpenPort> OpenPorts(const ServerConfig& config) {
  std::vector<OpenPort> open;
  if (config.role != Role::kShard) {
    AddOpen("grpc.listen", config.grpc.listen, WhyClientsPortIsOpen(config.grpc.tls, config.auth),
            open);
  }
  AddOpen("http.listen", config.http.listen, WhyClientsPortIsOpen(config.http.tls, config.auth),
          open);
  if (config.role == Role::kShard) {
    AddOpen("node.listen", config.node.listen, WhyNodePortIsOpen(config.node.tls), open);
  }
  return open;
}

}  // namespace kith::config
