#include "cli/data/vector_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/data/jsonl_reader.h"
#include "cli/data/read_only_file.h"
#include "cli/data/row_reader.h"
#include "cli/data/vector_format.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr size_t kLoadRows = 4096;

absl::Status UnknownEnding(const std::string& path) {
  const std::string ending = std::filesystem::path(path).extension().string();
  const bool hdf5 = ending == ".hdf5" || ending == ".h5";
  return Error(
      absl::StatusCode::kInvalidArgument, reason::kBadRequest,
      fmt::format("{}: the ending \"{}\" names no known format; known are {}{}", path, ending,
                  AllEndings(),
                  hdf5               ? ". scripts/convert_hdf5.py makes such files of it"
                  : ending == ".npz" ? ". An npz holds several arrays: save one with numpy.save"
                                     : ""));
}

absl::StatusOr<RowLayout> ReadLayout(const ReadOnlyFile& file, const VectorFormat& format) {
  const RowKind kind{format.name, format.element, limits::kDimensionMax};
  if (format.kind == VectorFormat::Kind::kBin) return ReadBinLayout(file, kind);
  if (format.kind == VectorFormat::Kind::kVecs) return ReadVecsLayout(file, kind);
  return ReadNpyLayout(file, limits::kDimensionMax);
}

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
  KITH_ASSIGN_OR_RETURN(ReadOnlyFile file, ReadOnlyFile::Open(path));
  const VectorFormat* const format = FormatOfPath(path);
  if (format == nullptr) return UnknownEnding(path);
  if (format->is_text()) return JsonlReader::Open(std::move(file), dimension);
  KITH_ASSIGN_OR_RETURN(RowLayout layout, ReadLayout(file, *format));
  return std::make_unique<RowReader>(std::move(file), std::move(layout));
}

absl::StatusOr<VectorMatrix> LoadVectors(const std::string& path, uint64_t rows_max) {
  const VectorFormat* const format = FormatOfPath(path);
  if (format != nullptr && format->is_text()) {
    return Error(
        absl::StatusCode::kInvalidArgument, reason::kBadRequest,
        fmt::format("{}: text is not taken here; give a file of {}", path, BinaryEndings()));
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
