#include "shard/storage/file_copy.h"

#include <memory>
#include <string_view>

#include "common/base/status.h"
#include "shard/storage/sha256.h"

namespace kith::storage {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

using TakePiece = std::function<absl::Status(std::string_view piece)>;

absl::StatusOr<FileSum> ReadThrough(FileSystem& files, const std::string& path,
                                    const TakePiece& take) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, files.OpenToRead(path));
  std::string piece(kPieceBytes, '\0');
  Sha256 hash;
  FileSum sum;
  while (true) {
    KITH_ASSIGN_OR_RETURN(const size_t count, file->Read(piece.data(), piece.size()));
    if (count == 0) break;
    const std::string_view bytes = std::string_view(piece).substr(0, count);
    hash.Add(bytes);
    sum.bytes += count;
    KITH_RETURN_IF_ERROR(take(bytes));
  }
  sum.sha256 = hash.Finish();
  return sum;
}

absl::StatusOr<FileSum> CopyInto(FileSystem& files, const std::string& from, const std::string& to,
                                 const PieceWatch& watch) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, files.Create(to));
  KITH_ASSIGN_OR_RETURN(const FileSum sum, ReadThrough(files, from, [&](std::string_view piece) {
                          KITH_RETURN_IF_ERROR(file->Append(piece));
                          return watch(piece.size());
                        }));
  KITH_RETURN_IF_ERROR(file->Sync());
  return sum;
}

}  // namespace

absl::StatusOr<FileSum> SumFile(FileSystem& files, const std::string& path,
                                const PieceWatch& watch) {
  return ReadThrough(files, path, [&](std::string_view piece) { return watch(piece.size()); });
}

absl::StatusOr<FileSum> CopyFile(FileSystem& files, const std::string& from, const std::string& to,
                                 const PieceWatch& watch) {
  absl::StatusOr<FileSum> sum = CopyInto(files, from, to, watch);
  if (!sum.ok() && files.Exists(to)) (void)files.Remove(to);
  return sum;
}

absl::Status LinkOrCopy(FileSystem& files, const std::string& from, const std::string& to) {
  const absl::Status linked = files.Link(from, to);
  if (!absl::IsUnimplemented(linked)) return linked;
  return CopyFile(files, from, to, UnwatchedPiece).status();
}

}  // namespace kith::storage
