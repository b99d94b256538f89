#ifndef KITH_CLI_IMPORT_IDENTIFIED_READER_H_
#define KITH_CLI_IMPORT_IDENTIFIED_READER_H_

#include <memory>
#include <utility>

#include "cli/data/ids_file.h"
#include "cli/data/vector_reader.h"

namespace kith::cli {

// A file of vectors whose rows have the ids of another file.
// Threads: one at a time.
class IdentifiedReader final : public VectorReader {
 public:
  // INVALID_ARGUMENT where the files have not as many rows.
  static absl::StatusOr<std::unique_ptr<VectorReader>> Open(std::unique_ptr<VectorReader> vectors,
                                                            IdsFile ids);

  const FileShape& shape() const override { return vectors_->shape(); }
  absl::Status Seek(FilePosition position) override { return vectors_->Seek(position); }
  absl::Status Next(const BatchLimit& limit, RowBatch& batch) override;

 private:
  IdentifiedReader(std::unique_ptr<VectorReader> vectors, IdsFile ids)
      : vectors_(std::move(vectors)), ids_(std::move(ids)) {}

  const std::unique_ptr<VectorReader> vectors_;
  const IdsFile ids_;
};

}  // namespace kith::cli

#endif  // KITH_CLI_IMPORT_IDENTIFIED_READER_H_
