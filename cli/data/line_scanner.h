#ifndef KITH_CLI_DATA_LINE_SCANNER_H_
#define KITH_CLI_DATA_LINE_SCANNER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/data/read_only_file.h"

namespace kith::cli {

// Lines of a file through one buffer, so that memory is bounded whatever the file holds.
// Threads: one at a time.
class LineScanner {
 public:
  static constexpr size_t kLineBytesMax = 4 << 20;

  struct Line {
    std::string_view text;  // without its end; valid until the next call
    bool too_long = false;  // more than kLineBytesMax: `text` is its beginning, the rest is skipped
  };

  explicit LineScanner(ReadOnlyFile file) : file_(std::move(file)) {}

  const ReadOnlyFile& file() const { return file_; }
  uint64_t offset() const { return offset_; }  // of the next line
  void Seek(uint64_t offset);
  // nullopt at the end of the file.
  absl::StatusOr<std::optional<Line>> Next();

 private:
  absl::Status Fill(size_t wanted);
  absl::Status SkipLongLine();
  std::string_view held() const {
    return {reinterpret_cast<const char*>(buffer_.data()) + start_, buffer_.size() - start_};
  }

  ReadOnlyFile file_;
  std::vector<std::byte> buffer_;
  size_t start_ = 0;     // of the unread part of the buffer
  uint64_t offset_ = 0;  // in the file, of buffer_[start_]
};

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_LINE_SCANNER_H_
