#ifndef KITH_CLI_LOAD_RATE_SEARCH_H_
#define KITH_CLI_LOAD_RATE_SEARCH_H_

#include <optional>

namespace kith::cli {

// Looks for the highest rate that is sustained: doubles (or, where already the first fails, halves)
// until one is and another is not, then bisects between the two.
// Threads: one at a time.
class RateSearch {
 public:
  struct Options {
    double first = 100;
    double min = 1;
    double max = 1e6;
    double precision = 0.05;  // of the rate
  };
  explicit RateSearch(const Options& options) : options_(options) {}

  // The rate to try; nullopt when no further try would tell more.
  std::optional<double> Next() const;
  void Sustained(double rate);
  void NotSustained(double rate);
  double best() const { return best_; }  // 0: none was sustained

 private:
  const Options options_;
  double best_ = 0;
  double too_high_ = 0;  // 0: none yet
};

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_RATE_SEARCH_H_
