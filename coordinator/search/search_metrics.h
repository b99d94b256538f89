#ifndef KITH_COORDINATOR_SEARCH_SEARCH_METRICS_H_
#define KITH_COORDINATOR_SEARCH_SEARCH_METRICS_H_

#include <functional>

#include "common/telemetry/search_metrics.h"

namespace kith::coordinator {

// Told of every search that was answered; may be empty. Called on the thread that answers.
using SearchObserver = std::function<void(const telemetry::SearchObservation&)>;

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_SEARCH_METRICS_H_
