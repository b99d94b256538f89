#include "cli/import/identified_reader.h"

#include <fmt/format.h>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {

absl::StatusOr<std::unique_ptr<VectorReader>> IdentifiedReader::Open(
    std::unique_ptr<VectorReader> vectors, IdsFile ids) {
  const uint64_t rows = vectors->shape().rows.value_or(0);
  if (rows != ids.rows()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
                 fmt::format("{}: has {} ids for {} vectors: the files do not belong together",
                             ids.file().path(), ids.rows(), rows));
  }
  return std::unique_ptr<VectorReader>(new IdentifiedReader(std::move(vectors), std::move(ids)));
}

absl::Status IdentifiedReader::Next(const BatchLimit& limit, RowBatch& batch) {
  KITH_RETURN_IF_ERROR(vectors_->Next(limit, batch));
  return ids_.Read(batch.begin.row, batch.rows(), batch.keys);
}

}  // namespace kith::cli
