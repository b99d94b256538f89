#ifndef KITH_TESTS_DAMAGE_SAMPLE_FILL_H_
#define KITH_TESTS_DAMAGE_SAMPLE_FILL_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "tests/damage/sample_points.h"

namespace kith::test {

// Makes one stage of a collection at a server: kFirst creates and trains it, too. What went wrong;
// empty: nothing.
std::string FillSample(const std::shared_ptr<grpc::Channel>& channel,
                       const SampleCollection& collection, SampleStage stage);

// A deadline that fits a slow, loaded machine.
inline constexpr int kCallSeconds = 50;

}  // namespace kith::test

#endif  // KITH_TESTS_DAMAGE_SAMPLE_FILL_H_
