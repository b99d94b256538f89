#ifndef KITH_TESTS_FUZZ_NODE_SERVER_H_
#define KITH_TESTS_FUZZ_NODE_SERVER_H_

#include <memory>
#include <string>

#include "common/base/clock.h"
#include "shard/node.h"
#include "shard/rpc/shard_node_server.h"
#include "tests/support/temporary_directory.h"

namespace kith::fuzz {

// A shard node with its port open, over a directory of its own: shard 7 has two dimensions, points
// with payloads in indexed fields, and a trained index. Threads: one.
class NodeServer {
 public:
  NodeServer();

  int port() const { return server_->port(); }
  const std::string& version() const { return version_; }  // of the index
  static ShardSpec Spec();
  // Makes the shard, with its points and its index, where it is gone.
  void EnsureShard();
  void DropShard(ShardId shard, const Uuid& incarnation);

 private:
  void Fill();
  void Train();

  const test::TemporaryDirectory directory_;
  const std::unique_ptr<storage::FileSystem> files_ = storage::NewPosixFileSystem();
  SystemClock clock_;
  std::unique_ptr<shard::Node> node_;
  std::unique_ptr<shard::ShardNodeServer> server_;
  std::string version_;
};

}  // namespace kith::fuzz

#endif  // KITH_TESTS_FUZZ_NODE_SERVER_H_
