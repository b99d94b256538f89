#include "cli/dataset/dataset_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <mutex>
#include <span>
#include <vector>

#include "cli/console/interrupt.h"
#include "cli/console/progress.h"
#include "cli/data/output_file.h"
#include "cli/dataset/parallel.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr uint64_t kHeaderBytes = 8;
constexpr uint64_t kBaseSequence = 0;
constexpr uint64_t kQuerySequence = 1;
constexpr double kDeviations = 4;

struct Sequence {
  std::string path;
  uint64_t number = 0;
  uint64_t rows = 0;
};

// Draws and writes the chunks of one file.
// Threads: WriteChunk from any.
class ChunkWriter {
 public:
  ChunkWriter(const ClusteredModel& model, const OutputFile& file, const Sequence& sequence,
              ElementType type)
      : model_(model), file_(file), sequence_(sequence), type_(type) {}

  // What is begun after this does nothing.
  void Stop() { stopped_ = true; }

  void WriteChunk(uint64_t chunk) {
    if (stopped_) return;
    const uint64_t first = chunk * ClusteredModel::kChunkRows;
    const uint64_t rows = std::min(ClusteredModel::kChunkRows, sequence_.rows - first);
    std::vector<float> vectors(rows * model_.dimension());
    model_.DrawChunk(sequence_.number, chunk, rows, vectors.data());
    const uint64_t row_bytes = model_.dimension() * ElementSize(type_);
    const uint64_t offset = kHeaderBytes + first * row_bytes;
    if (type_ == ElementType::kU8) {
      const std::vector<uint8_t> bytes = ToBytes(vectors);
      Note(file_.WriteAt(offset, std::as_bytes(std::span(bytes))));
    } else {
      Note(file_.WriteAt(offset, std::as_bytes(std::span(vectors))));
    }
    rows_ += rows;
  }

  uint64_t rows() const { return rows_; }
  absl::Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  std::vector<uint8_t> ToBytes(const std::vector<float>& vectors) const {
    const double scale = std::sqrt(static_cast<double>(model_.dimension()));
    std::vector<uint8_t> bytes(vectors.size());
    for (size_t i = 0; i < vectors.size(); ++i) bytes[i] = ByteFromElement(vectors[i], scale);
    return bytes;
  }
  void Note(absl::Status status) {
    const std::lock_guard lock(mutex_);
    status_.Update(std::move(status));
  }

  const ClusteredModel& model_;
  const OutputFile& file_;
  const Sequence& sequence_;
  const ElementType type_;
  std::atomic<uint64_t> rows_{0};
  std::atomic<bool> stopped_{false};
  mutable std::mutex mutex_;
  absl::Status status_;
};

// What the data set is written for and with.
struct Making {
  const ClusteredModel& model;
  const DatasetOptions& options;
  InterruptWatch& interrupt;
  Terminal& terminal;
};

absl::Status WriteSequence(const Making& making, const Sequence& sequence) {
  const ClusteredModel& model = making.model;
  KITH_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(sequence.path));
  const std::array<uint32_t, 2> header{static_cast<uint32_t>(sequence.rows), model.dimension()};
  KITH_RETURN_IF_ERROR(file.WriteAt(0, std::as_bytes(std::span(header))));
  ChunkWriter writer(model, file, sequence, making.options.element_type);
  Progress progress(sequence.path, making.terminal);
  const auto state = [&] {
    return Progress::State{static_cast<double>(writer.rows()) / static_cast<double>(sequence.rows),
                           WithThousands(writer.rows()) + " rows"};
  };
  const uint64_t chunks =
      (sequence.rows + ClusteredModel::kChunkRows - 1) / ClusteredModel::kChunkRows;
  ForEachInParallel(
      chunks, making.options.threads, [&](uint64_t chunk) { writer.WriteChunk(chunk); },
      [&] {
        progress.Update(state());
        if (making.interrupt.interrupted()) writer.Stop();
      });
  if (making.interrupt.interrupted()) {
    return absl::CancelledError(fmt::format("interrupted; {} was not written", sequence.path));
  }
  KITH_RETURN_IF_ERROR(writer.status());
  KITH_RETURN_IF_ERROR(file.Commit());
  progress.Finish(state());
  return absl::OkStatus();
}

}  // namespace

uint8_t ByteFromElement(float x, double scale) {
  const double byte = std::floor(128.5 + 127 / kDeviations * scale * double{x});
  return static_cast<uint8_t>(std::clamp(byte, 0.0, 255.0));
}

absl::StatusOr<DatasetFiles> MakeDataset(const DatasetOptions& options, Terminal& terminal) {
  InterruptWatch interrupt;
  const ClusteredModel model(options.model);
  const char* ending = options.element_type == ElementType::kU8 ? "u8bin" : "fbin";
  const Sequence base{fmt::format("{}.base.{}", options.prefix, ending), kBaseSequence,
                      options.count};
  const Sequence query{fmt::format("{}.query.{}", options.prefix, ending), kQuerySequence,
                       options.queries};
  const Making making{model, options, interrupt, terminal};
  KITH_RETURN_IF_ERROR(WriteSequence(making, base));
  KITH_RETURN_IF_ERROR(WriteSequence(making, query));
  return DatasetFiles{base.path, query.path};
}

}  // namespace kith::cli
