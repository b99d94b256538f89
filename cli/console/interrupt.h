#ifndef KITH_CLI_CONSOLE_INTERRUPT_H_
#define KITH_CLI_CONSOLE_INTERRUPT_H_

#include <csignal>

namespace kith::cli {

// While this lives, Ctrl-C (and SIGTERM) does not kill the process but shows here. Make it before
// any thread: the threads of gRPC must inherit the blocked signals.
// Threads: one at a time.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  // True from the first signal on.
  bool interrupted();

 private:
  sigset_t signals_{};
  sigset_t before_{};
  bool interrupted_ = false;
};

}  // namespace kith::cli

#endif  // KITH_CLI_CONSOLE_INTERRUPT_H_
