#ifndef KITH_INDEX_PACE_H_
#define KITH_INDEX_PACE_H_

#include <cstddef>
#include <functional>

#include "index/train.h"

namespace kith::index {

// Training's clock: runs its loops over all threads, tells the caller how far they are, and stops
// them when the caller says so. Work is counted in multiplications.
//
// Threads: one at a time; the caller's functions are called on its own thread only.
class Pace {
 public:
  Pace(const TrainingControl& control, double planned_work);

  // work(chunk) for every chunk, each worth `chunk_work`. False when cancelled.
  bool Run(size_t chunks, double chunk_work, const std::function<void(size_t)>& work);
  void Finish();

 private:
  bool Report(double work);
  bool IsCancelled();

  const TrainingControl& control_;
  const double planned_work_;
  double finished_work_ = 0;
  double reported_ = 0;
  bool is_cancelled_ = false;
};

}  // namespace kith::index

#endif  // KITH_INDEX_PACE_H_
