#ifndef KITH_COMMON_RPC_POLLER_LIMIT_H_
#define KITH_COMMON_RPC_POLLER_LIMIT_H_

#include <memory>

namespace kith::rpc {

// While it lives, gRPC polls for its callbacks with no more threads than given.
//
// gRPC 1.51 takes half as many as the machine has cores, and two at least. Whichever of them meets
// an event wakes another to poll on, before it looks at what it has: on a machine of two cores that
// is a wake-up of a core somebody computes on, for each message, and one thread answers more calls,
// sooner (decision 0058). There is no setting for that, so the others are held: each gets a
// callback that returns when the limit goes.
//
// Callbacks that block would then block every call of the process; ours do not (UnaryHandler).
// One of it a process, from before the first server until after the last. Threads: one at a time,
// none of gRPC's.
class PollerLimit {
 public:
  // `threads` >= 1. Holds none, and says so in the log, where gRPC does not go on with the others.
  explicit PollerLimit(int threads);
  // Lets them go, and returns when they have gone.
  ~PollerLimit();
  PollerLimit(const PollerLimit&) = delete;
  PollerLimit& operator=(const PollerLimit&) = delete;

  // How many to have: gRPC's own rule without its least, for the cores that this process may use.
  static int ThreadsFor(int cores);
  int held() const;

 private:
  class Hold;
  const std::unique_ptr<Hold> hold_;
};

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_POLLER_LIMIT_H_
