#ifndef KITH_CLI_BENCH_SEARCH_CHOICE_H_
#define KITH_CLI_BENCH_SEARCH_CHOICE_H_

#include <cstdint>
#include <optional>

#include "kith/v1/search.pb.h"

namespace kith::cli {

// What a benchmark asks of every query.
struct SearchChoice {
  uint32_t k = 10;
  std::optional<uint32_t> nprobe;
  std::optional<double> target_recall;
  bool exact = false;
  bool is_batch = false;  // priority
};

inline v1::SearchParameters ParametersOf(const SearchChoice& choice) {
  v1::SearchParameters parameters;
  parameters.set_limit(choice.k);
  if (choice.nprobe) parameters.set_nprobe(*choice.nprobe);
  if (choice.target_recall) parameters.set_target_recall(*choice.target_recall);
  parameters.set_exact(choice.exact);
  if (choice.is_batch) parameters.set_priority(v1::SEARCH_PRIORITY_BATCH);
  return parameters;
}

}  // namespace kith::cli

#endif  // KITH_CLI_BENCH_SEARCH_CHOICE_H_
