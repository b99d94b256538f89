#ifndef KITH_CLI_LOAD_UNITS_H_
#define KITH_CLI_LOAD_UNITS_H_

#include <chrono>
#include <cstdint>

namespace kith::cli {

inline double Milliseconds(uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

inline double Seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_UNITS_H_
