#include "cli/data/neighbour_file.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "cli/data/output_file.h"
#include "cli/data/read_only_file.h"
#include "cli/data/row_layout.h"
#include "cli/data/vector_format.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr uint64_t kHeaderBytes = 8;
constexpr uint32_t kDepthMax = 1u << 20;

bool IsIvecs(const std::string& path) {
  const VectorFormat* const format = FormatOfPath(path);
  return format != nullptr && format->name == "ivecs";
}

absl::Status BadTable(const std::string& path, std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("{}: {}", path, what));
}

// -1 is how some tools fill up a query with fewer neighbours: it would count as never found.
absl::Status CheckIds(const std::string& path, const NeighbourTable& table) {
  for (size_t i = 0; i < table.ids.size(); ++i) {
    if (table.ids[i] <= std::numeric_limits<int32_t>::max()) continue;
    return BadTable(
        path, fmt::format("neighbour {} of query {} is {}, which is the number of no "
                          "row; make the truth again, with a depth that every query has",
                          i % table.depth, i / table.depth, static_cast<int32_t>(table.ids[i])));
  }
  return absl::OkStatus();
}

absl::StatusOr<NeighbourTable> ReadIvecs(const ReadOnlyFile& file) {
  KITH_ASSIGN_OR_RETURN(const RowLayout layout,
                        ReadVecsLayout(file, {"ivecs", FileElement::kI32, kDepthMax}));
  if (layout.rows > std::numeric_limits<uint32_t>::max()) {
    return BadTable(file.path(), "has more queries than a truth can have");
  }
  NeighbourTable table{static_cast<uint32_t>(layout.rows), layout.dimension, {}, {}};
  table.ids.reserve(layout.rows * layout.dimension);
  std::vector<uint32_t> record(1 + layout.dimension);
  for (uint64_t query = 0; query < layout.rows; ++query) {
    KITH_RETURN_IF_ERROR(
        file.ReadAt(layout.ByteOf(query), std::as_writable_bytes(std::span(record))));
    if (record[0] != layout.dimension) {
      return BadTable(file.path(),
                      fmt::format("query {} has {} neighbours, the first has {}: all must have as "
                                  "many; make the truth again",
                                  query, static_cast<int32_t>(record[0]), layout.dimension));
    }
    table.ids.insert(table.ids.end(), record.begin() + 1, record.end());
  }
  KITH_RETURN_IF_ERROR(CheckIds(file.path(), table));
  return table;
}

absl::Status WriteIvecs(const std::string& path, const NeighbourTable& table) {
  if (!table.scores.empty()) {
    return BadTable(path, "an .ivecs file has no place for distances; name it .ibin");
  }
  KITH_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
  std::vector<uint32_t> records;
  records.reserve(table.ids.size() + table.queries);
  for (uint64_t query = 0; query < table.queries; ++query) {
    const auto ids = table.Ids(query);
    records.push_back(table.depth);
    records.insert(records.end(), ids.begin(), ids.end());
  }
  KITH_RETURN_IF_ERROR(file.WriteAt(0, std::as_bytes(std::span(records))));
  return file.Commit();
}

}  // namespace

absl::StatusOr<NeighbourTable> ReadNeighbours(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const ReadOnlyFile file, ReadOnlyFile::Open(path));
  if (IsIvecs(path)) return ReadIvecs(file);
  std::array<uint32_t, 2> header{};
  if (file.size() >= kHeaderBytes) {
    KITH_RETURN_IF_ERROR(file.ReadAt(0, std::as_writable_bytes(std::span(header))));
  }
  NeighbourTable table{header[0], header[1], {}, {}};
  const uint64_t cells = uint64_t{table.queries} * table.depth;
  const uint64_t plain = kHeaderBytes + 4 * cells;
  const uint64_t with_scores = kHeaderBytes + 8 * cells;
  const bool sane = cells > 0 && table.depth <= kDepthMax;
  if (!sane || (file.size() != plain && file.size() != with_scores)) {
    return BadTable(
        path, fmt::format("its header says {} queries with {} neighbours each, so {} bytes "
                          "(ids) or {} bytes (ids and distances) were expected, but it has {} "
                          "bytes: it is cut off or no file of true neighbours",
                          table.queries, table.depth, plain, with_scores, file.size()));
  }
  table.ids.resize(cells);
  KITH_RETURN_IF_ERROR(file.ReadAt(kHeaderBytes, std::as_writable_bytes(std::span(table.ids))));
  KITH_RETURN_IF_ERROR(CheckIds(path, table));
  if (file.size() == with_scores) {
    table.scores.resize(cells);
    KITH_RETURN_IF_ERROR(file.ReadAt(plain, std::as_writable_bytes(std::span(table.scores))));
  }
  return table;
}

absl::Status WriteNeighbours(const std::string& path, const NeighbourTable& table) {
  if (IsIvecs(path)) return WriteIvecs(path, table);
  KITH_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
  const std::array<uint32_t, 2> header{table.queries, table.depth};
  KITH_RETURN_IF_ERROR(file.WriteAt(0, std::as_bytes(std::span(header))));
  KITH_RETURN_IF_ERROR(file.WriteAt(kHeaderBytes, std::as_bytes(std::span(table.ids))));
  KITH_RETURN_IF_ERROR(
      file.WriteAt(kHeaderBytes + 4 * table.ids.size(), std::as_bytes(std::span(table.scores))));
  return file.Commit();
}

}  // namespace kith::cli
