#ifndef KITH_TESTS_CONTRACT_SHARD_SERVICE_CONTRACT_H_
#define KITH_TESTS_CONTRACT_SHARD_SERVICE_CONTRACT_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "common/shard_api/shard_service.h"
#include "tests/contract/awaited_calls.h"

// One suite for whatever claims to be a ShardService: the node itself, a gRPC client in front of
// one, the tests' fake. Compile shard_service_contract.cc into the test and instantiate it:
//
//   INSTANTIATE_TEST_SUITE_P(Node, ShardServiceContract, Values(ContractCase{"InProcess",
//   MakeNode}));
namespace kith::testing {

// Owns the service and everything under it.
class ShardServiceFixture {
 public:
  virtual ~ShardServiceFixture() = default;
  virtual ShardService& service() = 0;
};

struct ContractCase {
  std::string name;
  std::function<std::unique_ptr<ShardServiceFixture>()> make;
};

void PrintTo(const ContractCase& contract_case, std::ostream* out);

class ShardServiceContract : public ::testing::TestWithParam<ContractCase> {
 protected:
  void SetUp() override;

  ShardService& service() { return fixture_->service(); }
  // That of every shard these helpers make and every call they make on one.
  static Uuid Incarnation() { return Uuid{{0xab, 0xcd}}; }
  // A shard of all slots, 4 dimensions, f32, L2, and waits until it is ready.
  ShardSpec Create(ShardId shard = 1);
  // Points `first` to `first + count - 1`, point i at (i, 0, 0, 0), with the payload "p<i>".
  static WriteCall Upserts(ShardId shard, uint64_t first, uint64_t count);
  WriteReply Store(ShardId shard, uint64_t first, uint64_t count);
  // Up to `limit` points behind `after` (a key, or empty) of all slots, with all that they have.
  static ScrollCall PageBehind(ShardId shard, const std::string& after, uint32_t limit);
  // The exact nearest of (at, 0, 0, 0).
  static SearchCall Nearest(ShardId shard, float at, uint32_t limit);

  std::unique_ptr<ShardServiceFixture> fixture_;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_CONTRACT_SHARD_SERVICE_CONTRACT_H_
