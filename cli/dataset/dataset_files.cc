#include "cli/dataset/dataset_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
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

struct Sequence {
  std::string path;
  DrawnVectors vectors;
};

// Draws and writes the chunks of one file.
// Threads: WriteChunk from any.
class ChunkWriter {
 public:
  ChunkWriter(const ClusteredModel& model, const OutputFile& file, const DrawnVectors& vectors)
      : model_(model), file_(file), vectors_(vectors) {}

  // What is begun after this does nothing.
  void Stop() { stopped_ = true; }

  void WriteChunk(uint64_t chunk) {
    if (stopped_) return;
    const std::vector<std::byte> elements = DrawElements(model_, vectors_, chunk);
    const uint64_t row_bytes = model_.dimension() * ElementSize(vectors_.element_type);
    const uint64_t first = chunk * ClusteredModel::kChunkRows;
    Note(file_.WriteAt(kHeaderBytes + first * row_bytes, elements));
    rows_ += elements.size() / row_bytes;
  }

  uint64_t rows() const { return rows_; }
  absl::Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  void Note(absl::Status status) {
    const std::lock_guard lock(mutex_);
    status_.Update(std::move(status));
  }

  const ClusteredModel& model_;
  const OutputFile& file_;
  const DrawnVectors& vectors_;
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
  const std::array<uint32_t, 2> header{static_cast<uint32_t>(sequence.vectors.rows),
                                       model.dimension()};
  KITH_RETURN_IF_ERROR(file.WriteAt(0, std::as_bytes(std::span(header))));
  ChunkWriter writer(model, file, sequence.vectors);
  Progress progress(sequence.path, making.terminal);
  const auto state = [&] {
    return Progress::State{
        static_cast<double>(writer.rows()) / static_cast<double>(sequence.vectors.rows),
        WithThousands(writer.rows()) + " rows"};
  };
  const uint64_t chunks =
      (sequence.vectors.rows + ClusteredModel::kChunkRows - 1) / ClusteredModel::kChunkRows;
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

absl::StatusOr<DatasetFiles> MakeDataset(const DatasetOptions& options, Terminal& terminal) {
  InterruptWatch interrupt;
  const ClusteredModel model(options.model);
  const char* ending = options.element_type == ElementType::kU8 ? "u8bin" : "fbin";
  const std::string base_ending =
      options.base == DatasetOptions::Base::kDescribed ? "kgen" : ending;
  const Sequence base{fmt::format("{}.base.{}", options.prefix, base_ending),
                      {options.model, options.element_type, kBaseSequence, options.count}};
  const Sequence query{fmt::format("{}.query.{}", options.prefix, ending),
                       {options.model, options.element_type, kQuerySequence, options.queries}};
  const Making making{model, options, interrupt, terminal};
  if (options.base == DatasetOptions::Base::kDescribed) {
    KITH_RETURN_IF_ERROR(WriteDescription(base.path, base.vectors));
  } else {
    KITH_RETURN_IF_ERROR(WriteSequence(making, base));
  }
  KITH_RETURN_IF_ERROR(WriteSequence(making, query));
  return DatasetFiles{base.path, query.path};
}

}  // namespace kith::cli
