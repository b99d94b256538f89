#include "index/pace.h"

#include <algorithm>

#include "index/parallel.h"

namespace kith::index {

Pace::Pace(const TrainingControl& control, double planned_work)
    : control_(control), planned_work_(std::max(planned_work, 1.0)) {}

bool Pace::Run(size_t chunks, double chunk_work, const std::function<void(size_t)>& work) {
  if (IsCancelled()) return false;
  const bool done = ForEachChunk(control_.threads, chunks, work, [&](size_t finished) {
    return Report(finished_work_ + static_cast<double>(finished) * chunk_work);
  });
  finished_work_ += static_cast<double>(chunks) * chunk_work;
  return done && Report(finished_work_);
}

void Pace::Finish() {
  if (control_.progress) control_.progress(1);
}

bool Pace::Report(double work) {
  // The plan is an estimate: the last step is Finish's alone.
  const double reached = std::min(work / planned_work_, 0.999);
  if (reached > reported_) {
    reported_ = reached;
    if (control_.progress) control_.progress(reached);
  }
  return !IsCancelled();
}

bool Pace::IsCancelled() {
  // Threads that still end their chunks report once more: the first yes is the last question.
  is_cancelled_ = is_cancelled_ || (control_.cancelled && control_.cancelled());
  return is_cancelled_;
}

}  // namespace kith::index
