#ifndef KITH_TESTS_UNIT_COMMON_RPC_ROUND_TRIP_H_
#define KITH_TESTS_UNIT_COMMON_RPC_ROUND_TRIP_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>

#include "common/vector/point_key.h"

namespace kith::rpc {

inline std::string Key(uint64_t number) { return std::string(PointKey::FromNumber(number).view()); }

// Over the wire and back, bytes and all.
template <typename Message, typename Struct>
auto RoundTrip(Struct plain) {
  Message sent;
  ToProto(std::move(plain), &sent);
  Message received;
  EXPECT_TRUE(received.ParseFromString(sent.SerializeAsString()));
  return FromProto(std::move(received));
}

}  // namespace kith::rpc

#endif  // KITH_TESTS_UNIT_COMMON_RPC_ROUND_TRIP_H_
