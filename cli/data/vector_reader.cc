#include "cli/data/vector_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/data/bin_reader.h"
#include "cli/data/jsonl_reader.h"
#include "cli/data/read_only_file.h"
#include "cli/data/vecs_reader.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr size_t kLoadRows = 4096;

bool IsText(const std::string& ending) { return ending == ".jsonl" || ending == ".ndjson"; }

}  // namespace

void RowBatch::Clear() {
  begin = end = {};
  row_numbers.clear();
  vectors.clear();
  keys.clear();
  payloads.clear();
  rejects.clear();
}

absl::StatusOr<std::unique_ptr<VectorReader>> OpenVectorFile(const std::string& path,
                                                             uint32_t dimension) {
  const std::string ending = std::filesystem::path(path).extension().string();
  KITH_ASSIGN_OR_RETURN(ReadOnlyFile file, ReadOnlyFile::Open(path));
  if (ending == ".fbin") return BinReader::Open(std::move(file), ElementType::kF32);
  if (ending == ".u8bin") return BinReader::Open(std::move(file), ElementType::kU8);
  if (ending == ".fvecs") return VecsReader::Open(std::move(file), ElementType::kF32);
  if (ending == ".bvecs") return VecsReader::Open(std::move(file), ElementType::kU8);
  if (IsText(ending)) return JsonlReader::Open(std::move(file), dimension);
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("{}: the ending \"{}\" names no known format; known are .fbin, .u8bin, "
                           ".fvecs, .bvecs and .jsonl",
                           path, ending));
}

absl::StatusOr<VectorMatrix> LoadVectors(const std::string& path, uint64_t rows_max) {
  if (IsText(std::filesystem::path(path).extension().string())) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
                 fmt::format("{}: text is not taken here; give an .fbin, .u8bin, .fvecs or .bvecs "
                             "file",
                             path));
  }
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<VectorReader> reader, OpenVectorFile(path, 0));
  VectorMatrix matrix;
  matrix.shape = reader->shape();
  const uint64_t rows = std::min(rows_max, matrix.shape.rows.value_or(0));
  matrix.bytes.reserve(rows * matrix.shape.row_bytes());
  RowBatch batch;
  while (matrix.rows < rows) {
    const BatchLimit limit{static_cast<size_t>(std::min<uint64_t>(kLoadRows, rows - matrix.rows))};
    KITH_RETURN_IF_ERROR(reader->Next(limit, batch));
    matrix.bytes.insert(matrix.bytes.end(), batch.vectors.begin(), batch.vectors.end());
    matrix.rows += batch.rows();
  }
  return matrix;
}

}  // namespace kith::cli
