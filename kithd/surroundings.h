#ifndef KITH_KITHD_SURROUNDINGS_H_
#define KITH_KITHD_SURROUNDINGS_H_

#include <string>

#include "common/base/clock.h"
#include "common/telemetry/metrics.h"
#include "common/telemetry/request_metrics.h"

namespace kith::kithd {

// What every part of the process is given; outlives them all.
struct Surroundings {
  Clock& clock;
  telemetry::Metrics& metrics;
  telemetry::RequestMetrics& requests;
};

// What the gRPC health service answers.
enum class Health { kNotServing, kServing };

struct PartReadiness {
  bool is_ready = false;
  std::string trouble;  // why it is not ready, or what does not serve though it is
};

}  // namespace kith::kithd

#endif  // KITH_KITHD_SURROUNDINGS_H_
