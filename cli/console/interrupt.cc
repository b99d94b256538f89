#include "cli/console/interrupt.h"

#include <pthread.h>

#include <ctime>

namespace kith::cli {

InterruptWatch::InterruptWatch() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

InterruptWatch::~InterruptWatch() {
  // A second Ctrl-C that came while the first was being served must not kill after the fact.
  (void)interrupted();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool InterruptWatch::interrupted() {
  const timespec now{0, 0};
  while (sigtimedwait(&signals_, nullptr, &now) > 0) interrupted_ = true;
  return interrupted_;
}

}  // namespace kith::cli
