#include "cli/data/neighbour_file.h"

#include <fmt/format.h>

#include <array>

#include "cli/data/output_file.h"
#include "cli/data/read_only_file.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr uint64_t kHeaderBytes = 8;
constexpr uint32_t kDepthMax = 1u << 20;

}  // namespace

absl::StatusOr<NeighbourTable> ReadNeighbours(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const ReadOnlyFile file, ReadOnlyFile::Open(path));
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
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
                 fmt::format("{}: its header says {} queries with {} neighbours each, so {} bytes "
                             "(ids) or {} bytes (ids and distances) were expected, but it has {} "
                             "bytes: it is cut off or no file of true neighbours",
                             path, table.queries, table.depth, plain, with_scores, file.size()));
  }
  table.ids.resize(cells);
  KITH_RETURN_IF_ERROR(file.ReadAt(kHeaderBytes, std::as_writable_bytes(std::span(table.ids))));
  if (file.size() == with_scores) {
    table.scores.resize(cells);
    KITH_RETURN_IF_ERROR(file.ReadAt(plain, std::as_writable_bytes(std::span(table.scores))));
  }
  return table;
}

absl::Status WriteNeighbours(const std::string& path, const NeighbourTable& table) {
  KITH_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
  const std::array<uint32_t, 2> header{table.queries, table.depth};
  KITH_RETURN_IF_ERROR(file.WriteAt(0, std::as_bytes(std::span(header))));
  KITH_RETURN_IF_ERROR(file.WriteAt(kHeaderBytes, std::as_bytes(std::span(table.ids))));
  KITH_RETURN_IF_ERROR(
      file.WriteAt(kHeaderBytes + 4 * table.ids.size(), std::as_bytes(std::span(table.scores))));
  return file.Commit();
}

}  // namespace kith::cli
