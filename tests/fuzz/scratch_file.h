#ifndef KITH_TESTS_FUZZ_SCRATCH_FILE_H_
#define KITH_TESTS_FUZZ_SCRATCH_FILE_H_

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "tests/fuzz/target.h"
#include "tests/support/temporary_directory.h"

namespace kith::fuzz {

// One file that holds what was written last, for readers that take a path. Threads: one.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& name)
      : path_(directory_ / name),
        file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) {
    Require(file_ >= 0, "the scratch file opens");
  }
  ~ScratchFile() { ::close(file_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  const std::string& path() const { return path_; }
  // Not emptied first: ext4 takes that for a file that is replaced, and writes it to the disk.
  void Write(std::string_view bytes) const {
    const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), 0);
    Require(written == static_cast<ssize_t>(bytes.size()) &&
                ::ftruncate(file_, static_cast<off_t>(bytes.size())) == 0,
            "the scratch file takes the input");
  }

 private:
  const test::TemporaryDirectory directory_;
  const std::string path_;
  const int file_;
};

}  // namespace kith::fuzz

#endif  // KITH_TESTS_FUZZ_SCRATCH_FILE_H_
