#include "cli/commands/query_input.h"

#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "cli/client/wire.h"
#include "cli/console/terminal.h"
#include "cli/data/read_only_file.h"
#include "cli/data/vector_format.h"
#include "cli/data/vector_reader.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr uint64_t kTextBytesMax = 1 << 20;

bool HoldsVectors(const std::string& path) {
  const VectorFormat* const format = FormatOfPath(path);
  return format != nullptr && !format->is_text();
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const ReadOnlyFile file, ReadOnlyFile::Open(path));
  if (file.size() > kTextBytesMax) {
    return UsageError("--vector-file",
                      fmt::format("{} has {} bytes, too many for one vector", path, file.size()));
  }
  std::string text(file.size(), '\0');
  KITH_RETURN_IF_ERROR(file.ReadAt(0, std::as_writable_bytes(std::span(text))));
  return text;
}

}  // namespace

void AddVectorInput(CLI::App& command, VectorInput& input) {
  command.add_option("--vector", input.text, "Numbers separated by commas: \"0.1,0.2,0.3\"");
  command.add_option("--vector-file", input.file,
                     "A file with such numbers, or a file of vectors: " + BinaryEndings());
  command.add_option("--row", input.row, "The row of that file, from 0")->capture_default_str();
}

absl::StatusOr<std::vector<float>> ReadVector(const VectorInput& input) {
  if (input.text.empty() == input.file.empty()) {
    return UsageError("--vector", "give the vector with --vector or with --vector-file");
  }
  if (!input.text.empty()) return ParseNumbers(input.text, "--vector");
  if (HoldsVectors(input.file)) return ReadVectorRow(input.file, input.row);
  KITH_ASSIGN_OR_RETURN(const std::string text, ReadText(input.file));
  return ParseNumbers(text, "--vector-file");
}

absl::StatusOr<std::vector<float>> ReadVectorRow(const std::string& path, uint64_t row) {
  if (!HoldsVectors(path)) {
    return UsageError("--row", fmt::format("{} is none of {}", path, BinaryEndings()));
  }
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<VectorReader> reader, OpenVectorFile(path, 0));
  const FileShape& shape = reader->shape();
  if (row >= shape.rows.value_or(0)) {
    return UsageError("--row", fmt::format("{} has rows 0 to {}", path, *shape.rows - 1));
  }
  KITH_RETURN_IF_ERROR(reader->Seek({row, 0}));
  RowBatch batch;
  KITH_RETURN_IF_ERROR(reader->Next({1}, batch));
  std::vector<float> vector(shape.dimension);
  for (uint32_t i = 0; i < shape.dimension; ++i) {
    if (shape.element_type == ElementType::kU8) {
      vector[i] = static_cast<float>(batch.vectors[i]);
    } else {
      std::memcpy(&vector[i], batch.vectors.data() + 4 * i, 4);
    }
  }
  return vector;
}

}  // namespace kith::cli
