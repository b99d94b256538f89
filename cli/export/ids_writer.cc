#include "cli/export/ids_writer.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "cli/data/npy_header.h"
#include "common/base/ids.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr size_t kKeysAtOnce = 4096;
constexpr size_t kTextBytes = 36;  // of a UUID; numbers have at most 20

void AppendText(const PointKey& key, std::string& out) {
  std::string text = PointKeyToString(key);
  text.resize(kTextBytes, '\0');
  out += text;
}

void AppendNumber(const PointKey& key, std::string& out) {
  const uint64_t number = key.number();
  out.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

}  // namespace

absl::StatusOr<IdsWriter> IdsWriter::Create(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
  const std::string spool_path = path + ".spool";
  Spool spool(std::fopen(spool_path.c_str(), "w+b"));
  const int error = errno;
  if (spool != nullptr) std::remove(spool_path.c_str());
  IdsWriter writer(path, std::move(file), std::move(spool));
  errno = error;
  if (writer.spool_ == nullptr) return writer.SpoolError();
  return writer;
}

absl::Status IdsWriter::SpoolError() const {
  const auto code =
      errno == ENOSPC ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnknown;
  return Error(
      code, reason::kStorage,
      fmt::format("{}: the ids cannot be kept beside it: {}", path_, std::strerror(errno)));
}

absl::Status IdsWriter::Append(const PointKey& key) {
  ++rows_;
  has_uuids_ |= !key.is_number();
  if (std::fwrite(key.bytes.data(), PointKey::kSize, 1, spool_.get()) != 1) return SpoolError();
  return absl::OkStatus();
}

absl::Status IdsWriter::Finish() {
  if (std::fflush(spool_.get()) != 0) return SpoolError();
  std::rewind(spool_.get());
  const std::string descr = has_uuids_ ? fmt::format("|S{}", kTextBytes) : "<u8";
  const std::string header = NpyHeaderText(descr, rows_, 0);
  KITH_RETURN_IF_ERROR(file_.WriteAt(0, std::as_bytes(std::span(header))));
  uint64_t offset = header.size();
  std::vector<char> keys(kKeysAtOnce * PointKey::kSize);
  std::string ids;
  for (uint64_t done = 0; done < rows_;) {
    const size_t got = std::fread(keys.data(), PointKey::kSize, kKeysAtOnce, spool_.get());
    if (got == 0) return SpoolError();
    ids.clear();
    for (size_t i = 0; i < got; ++i) {
      const PointKey key = PointKey::FromBytes(keys.data() + i * PointKey::kSize);
      has_uuids_ ? AppendText(key, ids) : AppendNumber(key, ids);
    }
    KITH_RETURN_IF_ERROR(file_.WriteAt(offset, std::as_bytes(std::span(ids))));
    offset += ids.size();
    done += got;
  }
  return absl::OkStatus();
}

}  // namespace kith::cli
