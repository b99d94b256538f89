#ifndef KITH_COORDINATOR_SHARD_CLIENT_NODE_CHANNEL_H_
#define KITH_COORDINATOR_SHARD_CLIENT_NODE_CHANNEL_H_

#include <memory>
#include <string>

namespace grpc {
class Channel;
class ChannelCredentials;
}  // namespace grpc

namespace kith::coordinator {

// A connection of its own to a shard node (gRPC would share one among equal channels): 64 MiB
// messages, keepalive that finds a dead peer within 15 s, no retries by gRPC, reconnecting with
// gRPC's backoff of at most 1 s.
std::shared_ptr<grpc::Channel> NewNodeChannel(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SHARD_CLIENT_NODE_CHANNEL_H_
