#ifndef KITH_SHARD_STORAGE_FRAME_WRITER_H_
#define KITH_SHARD_STORAGE_FRAME_WRITER_H_

#include <xxhash.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/storage/file_system.h"
#include "shard/storage/segment_format.h"

namespace kith::storage {

// Writes one framed file beside its name, then gives it the name, all durable. The body comes in
// pieces; it has the size that the header says. What is not finished is removed: on a full disk it
// would be what keeps it full. Threads: one.
class FrameWriter {
 public:
  // Fills in the header's name hash.
  static absl::StatusOr<FrameWriter> Begin(FileSystem& files, const std::string& path,
                                           FrameHeader header);
  FrameWriter(FrameWriter&& other) = default;
  FrameWriter& operator=(FrameWriter&& other) = delete;
  ~FrameWriter();

  absl::Status Append(std::string_view bytes);
  template <typename T>
  absl::Status AppendArray(std::span<const T> values) {
    return Append({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }
  absl::Status Finish();

 private:
  struct StateDeleter {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };

  FrameWriter(FileSystem& files, std::string path, std::unique_ptr<WritableFile> file);

  absl::Status WriteBlock();
  absl::Status WriteHashed(std::string_view bytes);

  FileSystem* files_;
  std::string path_;
  std::unique_ptr<WritableFile> file_;
  std::string block_;
  std::string block_checksums_;
  std::unique_ptr<XXH3_state_t, StateDeleter> hash_;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_FRAME_WRITER_H_
