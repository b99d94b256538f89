#ifndef KITH_CLI_DATASET_DATASET_FILES_H_
#define KITH_CLI_DATASET_DATASET_FILES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "cli/console/terminal.h"
#include "cli/dataset/clustered_model.h"
#include "cli/dataset/drawn_vectors.h"
#include "cli/dataset/parallel.h"
#include "common/vector/element.h"

namespace kith::cli {

struct DatasetOptions {
  std::string prefix;  // PREFIX.base.fbin and PREFIX.query.fbin, or .u8bin
  uint64_t count = 0;
  uint64_t queries = 10'000;
  ElementType element_type = ElementType::kF32;
  ClusteredModelOptions model;
  uint32_t threads = Cores();
  // kDescribed: PREFIX.base.kgen instead, from which the same vectors are drawn when they are read.
  enum class Base { kWritten, kDescribed };
  Base base = Base::kWritten;
};

struct DatasetFiles {
  std::string base;
  std::string query;
};

// The queries are drawn apart from the base, from the same distribution. The files are the same
// bytes for any number of threads on any machine. Errors name the file that cannot be written;
// CANCELLED after an interrupt. A file that is not whole leaves nothing behind.
absl::StatusOr<DatasetFiles> MakeDataset(const DatasetOptions& options, Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_DATASET_DATASET_FILES_H_
