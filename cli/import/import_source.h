#ifndef KITH_CLI_IMPORT_IMPORT_SOURCE_H_
#define KITH_CLI_IMPORT_IMPORT_SOURCE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/client/upsert_pipeline.h"
#include "cli/console/progress.h"
#include "cli/data/element_conversion.h"
#include "cli/data/vector_reader.h"
#include "cli/import/ack_window.h"
#include "cli/import/progress_file.h"
#include "cli/import/rejects_file.h"

namespace kith::cli {

struct ImportSourceOptions {
  std::string collection;
  std::string progress_path;
  std::string rejects_path;
  VectorSchema schema;
  size_t batch = 256;
};

// Turns a file into Upserts and keeps account of what the server has acknowledged.
// Threads: one at a time.
class ImportSource final : public UpsertSource {
 public:
  // `reader` stands where `progress` says.
  ImportSource(ImportSourceOptions options, VectorReader& reader, ImportProgress progress,
               Terminal& terminal);

  // Before the first row and after the last answer.
  absl::Status Begin();
  // Saves how far it came; with `complete` the progress file has served and goes.
  absl::Status EndInterrupted();
  absl::Status EndComplete();

  absl::StatusOr<UpsertStep> Next(v1::UpsertRequest& request) override;
  absl::Status Done(uint64_t ticket, const v1::UpsertResponse& response,
                    std::chrono::nanoseconds latency) override;
  void Retrying(const absl::Status& failure, std::chrono::milliseconds delay) override;
  absl::Status Tick() override;

  const ImportProgress& progress() const { return progress_; }
  uint64_t written_now() const { return written_now_; }  // in this run
  double seconds() const { return bar_.seconds(); }
  bool file_is_broken() const { return file_is_broken_; }  // why it stopped

 private:
  // The rows of batch_ that the collection takes go into `request`, the others into the result.
  AckWindow::Batch Fill(v1::UpsertRequest& request) const;
  void FillIds(const AckWindow::Batch& batch, const std::vector<size_t>& kept, std::string vectors,
               v1::UpsertRequest& request) const;
  PointKey KeyOf(size_t row) const;
  Hash128 RequestId() const;
  bool SharesAnIdWithACallUnderWay() const;
  absl::StatusOr<UpsertStep> SendBatch(v1::UpsertRequest& request);
  absl::Status Advance();
  absl::Status Save();
  Progress::State BarState() const;

  const ImportSourceOptions options_;
  VectorReader& reader_;
  ImportProgress progress_;
  Terminal& terminal_;
  RejectsFile rejects_;
  AckWindow window_;
  RowBatch batch_;
  bool has_batch_ = false;  // batch_ was read and not sent yet
  bool file_is_broken_ = false;
  Progress bar_;
  uint64_t written_now_ = 0;
  std::chrono::steady_clock::time_point next_save_;
  std::chrono::steady_clock::time_point next_retry_note_;
};

}  // namespace kith::cli

#endif  // KITH_CLI_IMPORT_IMPORT_SOURCE_H_
