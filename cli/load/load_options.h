#ifndef KITH_CLI_LOAD_LOAD_OPTIONS_H_
#define KITH_CLI_LOAD_LOAD_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/bench/search_choice.h"
#include "cli/load/mix.h"
#include "cli/load/schedule.h"

namespace kith::cli {

// What is sent, how fast and for how long. Exactly one of `rate` (open loop) and `closed` (closed
// loop) is not zero.
struct LoadOptions {
  std::string endpoint;
  std::string collection;
  std::string queries;    // a file of vectors
  std::string truth;      // their true neighbours; empty: no recall
  uint64_t first_id = 0;  // of row 0 of the base file that the truth counts in
  SearchChoice search;
  double min_coverage = 0;
  std::vector<MixPart> mix;
  double rate = 0;  // calls a second
  Arrivals arrivals = Arrivals::kConstant;
  uint32_t closed = 0;  // calls in flight
  std::chrono::nanoseconds warmup{};
  std::chrono::nanoseconds duration{};  // counted, after the warm-up
  uint32_t connections = 1;
  uint32_t threads = 1;  // pairs of a sending and a receiving thread
  uint32_t in_flight_max = 10'000;
  std::chrono::milliseconds deadline{10'000};
  std::string upsert_vectors;        // the points that upserts write, over and over
  uint64_t upsert_first_id = 0;      // id of its row 0
  uint64_t upsert_rows = 1'000'000;  // at most so many of them
  uint64_t seed = 1;
};

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_LOAD_OPTIONS_H_
