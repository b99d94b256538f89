#include "cli/data/row_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "cli/data/npy_header.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr uint64_t kRowsMax = uint64_t{1} << 40;  // no product with a row's bytes overflows

absl::Status CheckDimension(const ReadOnlyFile& file, const RowLayout& layout, int64_t dimension,
                            uint32_t most) {
  if (dimension > 0 && dimension <= most) return absl::OkStatus();
  return BadFile(file, fmt::format("its {} says dimension {}, expected 1 to {}: is it an {} file?",
                                   layout.prefix_bytes > 0 ? "first row" : "header", dimension,
                                   most, layout.format));
}

absl::StatusOr<FileElement> ElementOfNpy(const ReadOnlyFile& file, std::string_view descr) {
  constexpr FileElement kElements[] = {FileElement::kF32, FileElement::kF16, FileElement::kF64,
                                       FileElement::kU8,  FileElement::kI8,  FileElement::kI32,
                                       FileElement::kI64};
  for (const FileElement element : kElements) {
    if (NpyDescr(element) == descr) return element;
  }
  if (!descr.empty() && descr[0] == '>') {
    return BadFile(file, fmt::format("its elements are big-endian (\"{}\"); save "
                                     "a.astype(a.dtype.newbyteorder('<')) instead",
                                     descr));
  }
  return BadFile(file,
                 fmt::format("its elements are \"{}\"; taken are <f4, <f2, <f8, |u1, |i1, <i4 "
                             "and <i8: save a.astype('<f4') instead",
                             descr));
}

}  // namespace

absl::Status BadFile(const ReadOnlyFile& file, std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("{}: {}", file.path(), what));
}

absl::Status CheckLength(const ReadOnlyFile& file, const RowLayout& layout) {
  if (layout.rows == 0) {
    return BadFile(file, "its header says 0 rows: there is nothing in it");
  }
  if (layout.rows > kRowsMax) {
    return BadFile(file, fmt::format("its header says {} rows, more than there can be: is it an {} "
                                     "file?",
                                     layout.rows, layout.format));
  }
  const uint64_t expected = layout.ByteOf(layout.rows);
  if (file.size() == expected) return absl::OkStatus();
  const uint64_t held = file.size() - std::min(file.size(), layout.header_bytes);
  return BadFile(
      file,
      fmt::format("its header says {} rows of {} {} elements, {} bytes in all, but the file "
                  "has {} bytes ({} whole rows): it is {}; copy or make it again",
                  layout.rows, layout.dimension, NameOf(layout.element), expected, file.size(),
                  held / layout.stride(), file.size() < expected ? "cut off" : "too long"));
}

absl::StatusOr<RowLayout> ReadBinLayout(const ReadOnlyFile& file, const RowKind& kind) {
  if (file.size() < kBinHeaderBytes) {
    return BadFile(file, fmt::format("has {} bytes, fewer than the {} of a header (uint32 rows, "
                                     "uint32 dimension)",
                                     file.size(), kBinHeaderBytes));
  }
  std::array<uint32_t, 2> header{};
  KITH_RETURN_IF_ERROR(file.ReadAt(0, std::as_writable_bytes(std::span(header))));
  RowLayout layout{std::string(kind.format), kind.element, header[1], header[0], kBinHeaderBytes};
  KITH_RETURN_IF_ERROR(CheckDimension(file, layout, header[1], kind.dimension_max));
  KITH_RETURN_IF_ERROR(CheckLength(file, layout));
  return layout;
}

absl::StatusOr<RowLayout> ReadVecsLayout(const ReadOnlyFile& file, const RowKind& kind) {
  RowLayout layout{std::string(kind.format), kind.element};
  layout.prefix_bytes = sizeof(int32_t);
  if (file.size() < layout.prefix_bytes) {
    return BadFile(file, fmt::format("has {} bytes, too few for one row", file.size()));
  }
  int32_t dimension = 0;
  KITH_RETURN_IF_ERROR(file.ReadAt(0, std::as_writable_bytes(std::span(&dimension, 1))));
  KITH_RETURN_IF_ERROR(CheckDimension(file, layout, dimension, kind.dimension_max));
  layout.dimension = static_cast<uint32_t>(dimension);
  layout.rows = file.size() / layout.stride();
  if (file.size() % layout.stride() == 0) return layout;
  return BadFile(file,
                 fmt::format("its first row says dimension {}, so its size should be a "
                             "multiple of {} bytes, but it has {} bytes ({} whole rows and {} "
                             "bytes): it is cut off or is no {} file",
                             dimension, layout.stride(), file.size(), layout.rows,
                             file.size() % layout.stride(), layout.format));
}

absl::StatusOr<RowLayout> ReadNpyLayout(const ReadOnlyFile& file, uint32_t dimension_max) {
  KITH_ASSIGN_OR_RETURN(const NpyHeader header, ReadNpyHeader(file));
  RowLayout layout{"npy"};
  KITH_ASSIGN_OR_RETURN(layout.element, ElementOfNpy(file, header.descr));
  if (header.shape.size() != 2) {
    return BadFile(file, fmt::format("is an array of {} dimensions, expected 2 (rows, elements); "
                                     "save a.reshape(-1, dimension) instead",
                                     header.shape.size()));
  }
  const uint64_t dimension = header.shape[1];
  KITH_RETURN_IF_ERROR(CheckDimension(
      file, layout, static_cast<int64_t>(std::min<uint64_t>(dimension, uint64_t{1} << 62)),
      dimension_max));
  layout.rows = header.shape[0];
  layout.dimension = static_cast<uint32_t>(dimension);
  layout.header_bytes = header.data_at;
  KITH_RETURN_IF_ERROR(CheckLength(file, layout));
  return layout;
}

}  // namespace kith::cli
