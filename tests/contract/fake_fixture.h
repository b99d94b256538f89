#ifndef KITH_TESTS_CONTRACT_FAKE_FIXTURE_H_
#define KITH_TESTS_CONTRACT_FAKE_FIXTURE_H_

#include <memory>
#include <utility>

#include "tests/contract/shard_service_contract.h"
#include "tests/support/fake_shard_service.h"

namespace kith::testing {

class FakeFixture final : public ShardServiceFixture {
 public:
  ShardService& service() override { return fake_; }

 private:
  FakeShardService fake_;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_CONTRACT_FAKE_FIXTURE_H_
