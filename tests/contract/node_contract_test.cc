#include <stdlib.h>

#include <filesystem>

#include "shard/node.h"
#include "tests/contract/over_grpc.h"

namespace kith::testing {
namespace {

// A real node in a directory of its own.
class NodeFixture final : public ShardServiceFixture {
 public:
  NodeFixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kith-node-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    shard::NodeOptions options;
    options.directory = directory_;
    options.files = files_.get();
    options.clock = &clock_;
    options.search_threads = 2;
    options.admission.disk_reserve_bytes = 1 << 20;
    auto node = shard::Node::Open(options);
    EXPECT_TRUE(node.ok()) << node.status();
    node_ = *std::move(node);
  }
  ~NodeFixture() override {
    const absl::Status closed = node_->Close();
    EXPECT_TRUE(closed.ok()) << closed;
    node_.reset();
    std::filesystem::remove_all(directory_);
  }

  ShardService& service() override { return *node_; }

 private:
  SystemClock clock_;
  const std::unique_ptr<storage::FileSystem> files_ = storage::NewPosixFileSystem();
  std::string directory_;
  std::unique_ptr<shard::Node> node_;
};

std::unique_ptr<ShardServiceFixture> MakeNode() { return std::make_unique<NodeFixture>(); }
std::unique_ptr<ShardServiceFixture> MakeNodeOverGrpc() {
  return std::make_unique<OverGrpc>(MakeNode());
}

INSTANTIATE_TEST_SUITE_P(Node, ShardServiceContract,
                         ::testing::Values(ContractCase{"InProcess", MakeNode},
                                           ContractCase{"OverGrpc", MakeNodeOverGrpc}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace kith::testing
