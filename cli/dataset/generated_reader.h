#ifndef KITH_CLI_DATASET_GENERATED_READER_H_
#define KITH_CLI_DATASET_GENERATED_READER_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/data/vector_reader.h"
#include "cli/dataset/drawn_vectors.h"

namespace kith::cli {

// Vectors of a description, drawn as they are read by threads that run a little ahead. The same
// rows as the file of `kith dataset make`, in bounded memory and no disk, from any row on.
// Threads: the interface one at a time; it has some of its own.
class GeneratedReader final : public VectorReader {
 public:
  static absl::StatusOr<std::unique_ptr<VectorReader>> Open(const std::string& path,
                                                            uint32_t threads);
  ~GeneratedReader() override;

  const FileShape& shape() const override { return shape_; }
  absl::Status Seek(FilePosition position) override;
  absl::Status Next(const BatchLimit& limit, RowBatch& batch) override;

 private:
  struct Slot {
    uint64_t chunk = 0;
    bool ready = false;
    std::vector<std::byte> elements;
  };

  GeneratedReader(const std::string& path, const DrawnVectors& vectors, uint32_t threads);
  FilePosition At(uint64_t row) const;
  void StartThreads();
  void StopThreads();
  void Draw();
  // Of the chunk that next_row_ lies in; waits until it is drawn.
  const std::vector<std::byte>& AwaitChunk();
  void LeaveChunk();

  const std::string path_;
  const DrawnVectors vectors_;
  const uint32_t thread_count_;
  const ClusteredModel model_;
  FileShape shape_;
  uint64_t next_row_ = 0;
  std::vector<std::thread> threads_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;  // of chunk c: c modulo their number
  uint64_t first_kept_ = 0;  // chunk that is read now
  uint64_t next_drawn_ = 0;  // chunk that a thread takes next
  bool stopped_ = false;
};

// A file of vectors or a description of some, by the ending of its name (.kgen).
absl::StatusOr<std::unique_ptr<VectorReader>> OpenVectors(const std::string& path,
                                                          uint32_t dimension);

}  // namespace kith::cli

#endif  // KITH_CLI_DATASET_GENERATED_READER_H_
