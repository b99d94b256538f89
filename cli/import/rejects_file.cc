#include "cli/import/rejects_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "cli/console/json_output.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {

absl::Status RejectsFile::WriteError() const {
  return Error(absl::StatusCode::kUnknown, reason::kStorage,
               fmt::format("{}: the rejects file cannot be written: {}; name another with "
                           "--rejects",
                           path_, std::strerror(errno)));
}

absl::Status RejectsFile::Resume(uint64_t bytes) {
  if (bytes == 0) return absl::OkStatus();
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path_, error);
  if (error) {
    // Gone, or never made: earlier rejects cannot be brought back, later ones start a new file.
    bytes_ = 0;
    return absl::OkStatus();
  }
  bytes_ = std::min<uint64_t>(bytes, size);
  std::filesystem::resize_file(path_, bytes_, error);
  if (!error) return absl::OkStatus();
  errno = error.value();
  return WriteError();
}

absl::Status RejectsFile::OpenForAppend() {
  if (file_ != nullptr) return absl::OkStatus();
  // A file of an earlier import must not be taken for this one's.
  file_.reset(std::fopen(path_.c_str(), bytes_ == 0 ? "wb" : "ab"));
  return file_ != nullptr ? absl::OkStatus() : WriteError();
}

absl::Status RejectsFile::Add(const std::vector<RejectedRow>& rows) {
  if (rows.empty()) return absl::OkStatus();
  KITH_RETURN_IF_ERROR(OpenForAppend());
  for (const RejectedRow& row : rows) {
    const Json json = {
        {"row", row.row}, {"id", row.id}, {"reason", row.reason}, {"message", row.message}};
    const std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    if (std::fwrite(line.data(), 1, line.size(), file_.get()) != line.size()) return WriteError();
    bytes_ += line.size();
  }
  return absl::OkStatus();
}

absl::Status RejectsFile::Sync() {
  if (file_ == nullptr) return absl::OkStatus();
  if (std::fflush(file_.get()) != 0) return WriteError();
  // EINVAL: a pipe or a device, which cannot be synced.
  if (::fsync(::fileno(file_.get())) != 0 && errno != EINVAL) return WriteError();
  return absl::OkStatus();
}

}  // namespace kith::cli
