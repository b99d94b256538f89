#include "tests/contract/fake_fixture.h"
#include "tests/contract/over_grpc.h"

namespace kith::testing {
namespace {

std::unique_ptr<ShardServiceFixture> MakeFake() { return std::make_unique<FakeFixture>(); }
std::unique_ptr<ShardServiceFixture> MakeFakeOverGrpc() {
  return std::make_unique<OverGrpc>(MakeFake());
}

INSTANTIATE_TEST_SUITE_P(Fake, ShardServiceContract,
                         ::testing::Values(ContractCase{"InProcess", MakeFake},
                                           ContractCase{"OverGrpc", MakeFakeOverGrpc}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace kith::testing
