#ifndef KITH_BENCH_GPU_REPORT_H_
#define KITH_BENCH_GPU_REPORT_H_

#include <string>
#include <vector>

#include "index/gpu/card.h"

namespace kith::bench {

// Figures as they come, printed as a table and written as JSON.
class Report {
 public:
  explicit Report(const index::gpu::CardReport& card) : card_(card) {}

  struct Figure {
    std::string part;
    std::string name;
    double value = 0;
    std::string unit;
  };
  void Add(const Figure& figure);  // and prints it
  void NotRun(const std::string& part, const std::string& why);
  // False where the file cannot be written.
  bool Write(const std::string& path) const;

 private:
  struct Absent {
    std::string part;
    std::string why;
  };
  index::gpu::CardReport card_;
  std::vector<Figure> figures_;
  std::vector<Absent> not_run_;
};

}  // namespace kith::bench

#endif  // KITH_BENCH_GPU_REPORT_H_
