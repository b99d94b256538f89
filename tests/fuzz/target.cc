#include "tests/fuzz/target.h"

#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>

namespace kith::fuzz {

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: broken: %s\n", what);
  std::abort();
}

void QuietLog() {
  static const bool is_quiet = [] {
    spdlog::set_level(spdlog::level::off);
    return true;
  }();
  (void)is_quiet;
}

}  // namespace kith::fuzz
