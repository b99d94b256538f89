#ifndef KITH_COMMON_RPC_DEADLINE_H_
#define KITH_COMMON_RPC_DEADLINE_H_

#include <chrono>
#include <optional>

#include "common/base/clock.h"

namespace grpc {
class ServerContextBase;
}

namespace kith::rpc {

// The client's deadline on the steady clock; absent where it set none.
std::optional<Deadline> DeadlineOf(const grpc::ServerContextBase& context);

// The same moment on the clock that gRPC counts on.
std::chrono::system_clock::time_point ToSystemClock(Deadline deadline);

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_DEADLINE_H_
