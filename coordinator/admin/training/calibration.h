#ifndef KITH_COORDINATOR_ADMIN_TRAINING_CALIBRATION_H_
#define KITH_COORDINATOR_ADMIN_TRAINING_CALIBRATION_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/meta/meta_store.h"
#include "coordinator/admin/training/training_run.h"
#include "coordinator/search/recall_curve.h"

namespace kith::coordinator {

// What serves, measured where its own curve aims at the target.
struct ServingMeasure {
  std::string version;
  RecallMeasure measure;
};

struct Calibration {
  std::vector<RecallMeasure> recall;      // CollectionRecord::recall of the new version
  std::optional<ServingMeasure> serving;  // where another version serves
};

// Measures recall@10 and the share of points scanned for growing nprobe, with one effort after the
// other, against exact search by the same shards. The queries are points of the collection: each
// leaves itself out of both answers. A curve ends where recall is full or more lists bring no more,
// the last one where it reaches what target_recall (or 0.99) asks for; it is kept if it ends higher
// than those before it: CollectionRecord::recall. What serves now is measured once with the same
// queries.
absl::StatusOr<Calibration> Calibrate(const TrainingRun& run, const std::string& version,
                                      const SampleChunk& held_out);

// What to measure with, the least work first. Lists under inner product have no distance to stop
// at.
std::vector<SearchEffort> EffortLadder(size_t shards, Metric metric);

// 1, 2, 3, 4, 6, 8, 12, 16 ... and `lists` at the end.
std::vector<uint32_t> NprobeLadder(uint32_t lists);

// Mean of the queries' recalls and the lower end of its 95 % interval, which is never narrower than
// what 10 neighbours a query can tell (no miss among n trials leaves room for 3 / n).
RecallMeasure Summarise(std::span<const double> recalls);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_TRAINING_CALIBRATION_H_
