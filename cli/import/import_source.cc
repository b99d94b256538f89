#include "cli/import/import_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "cli/client/rpc_error.h"
#include "cli/client/wire.h"
#include "common/base/ids.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

using std::chrono::steady_clock;

constexpr auto kSavePeriod = std::chrono::seconds(2);
constexpr auto kRetryNotePeriod = std::chrono::seconds(10);
constexpr size_t kRequestBytes = 32 << 20;

void AppendNumber(uint64_t value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

bool AllNumbers(const std::vector<PointKey>& keys) {
  for (const PointKey& key : keys) {
    if (!key.is_number()) return false;
  }
  return true;
}

bool RowIsToBlame(absl::StatusCode code) {
  return code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kAlreadyExists ||
         code == absl::StatusCode::kNotFound;
}

}  // namespace

ImportSource::ImportSource(ImportSourceOptions options, VectorReader& reader,
                           ImportProgress progress, Terminal& terminal)
    : options_(std::move(options)),
      reader_(reader),
      progress_(std::move(progress)),
      terminal_(terminal),
      rejects_(options_.rejects_path),
      bar_("import", terminal),
      next_save_(steady_clock::now() + kSavePeriod) {}

absl::Status ImportSource::Begin() {
  KITH_RETURN_IF_ERROR(rejects_.Resume(progress_.rejects_bytes));
  // The import's id must be on disk before the first request goes out under it.
  return Save();
}

absl::Status ImportSource::EndInterrupted() {
  bar_.Finish(BarState());
  return Save();
}

absl::Status ImportSource::EndComplete() {
  bar_.Finish(BarState());
  KITH_RETURN_IF_ERROR(rejects_.Sync());
  std::error_code ignored;
  std::filesystem::remove(options_.progress_path, ignored);
  return absl::OkStatus();
}

PointKey ImportSource::KeyOf(size_t row) const {
  if (!batch_.keys.empty()) return batch_.keys[row];
  return PointKey::FromNumber(progress_.first_id + batch_.row_numbers[row]);
}

Hash128 ImportSource::RequestId() const {
  std::string text;
  for (const Hash128& hash : {progress_.import_id, progress_.file_identity}) {
    text.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  }
  AppendNumber(batch_.begin.byte, text);
  AppendNumber(batch_.end.byte, text);
  return HashOf(text);
}

AckWindow::Batch ImportSource::Fill(v1::UpsertRequest& request) const {
  AckWindow::Batch sent;
  sent.end = batch_.end;
  sent.rejects = batch_.rejects;
  std::vector<size_t> kept;
  std::string vectors;
  vectors.reserve(batch_.rows() * options_.schema.row_bytes());
  const size_t row_bytes = reader_.shape().row_bytes();
  for (size_t i = 0; i < batch_.rows(); ++i) {
    const auto row = std::span(batch_.vectors).subspan(i * row_bytes, row_bytes);
    const absl::Status status =
        AppendConverted(row, reader_.shape().element_type, options_.schema, vectors);
    if (status.ok()) {
      kept.push_back(i);
      sent.row_numbers.push_back(batch_.row_numbers[i]);
      sent.keys.push_back(KeyOf(i));
    } else {
      sent.rejects.push_back({batch_.row_numbers[i], PointKeyToString(KeyOf(i)), ReasonOf(status),
                              std::string(status.message())});
    }
  }
  FillIds(sent, kept, std::move(vectors), request);
  return sent;
}

void ImportSource::FillIds(const AckWindow::Batch& batch, const std::vector<size_t>& kept,
                           std::string vectors, v1::UpsertRequest& request) const {
  if (AllNumbers(batch.keys)) {
    v1::PointColumns& columns = *request.mutable_columns();
    columns.set_vectors(std::move(vectors));
    columns.mutable_numbers()->Reserve(static_cast<int>(kept.size()));
    for (const PointKey& key : batch.keys) columns.add_numbers(key.number());
    if (batch_.payloads.empty()) return;
    for (const size_t i : kept) columns.add_payloads(batch_.payloads[i]);
    return;
  }
  const size_t row_bytes = options_.schema.row_bytes();
  for (size_t i = 0; i < kept.size(); ++i) {
    v1::Point& point = *request.add_points();
    *point.mutable_id() = ToProto(batch.keys[i]);
    point.mutable_vector()->set_data(vectors.data() + i * row_bytes, row_bytes);
    if (!batch_.payloads.empty()) point.set_payload(batch_.payloads[kept[i]]);
  }
}

// A row that comes later in the file is to win over an earlier one of its id.
bool ImportSource::SharesAnIdWithACallUnderWay() const {
  return std::any_of(batch_.keys.begin(), batch_.keys.end(),
                     [this](const PointKey& key) { return window_.IsUnderWay(key); });
}

absl::StatusOr<UpsertStep> ImportSource::Next(v1::UpsertRequest& request) {
  if (window_.full()) return UpsertStep{UpsertStep::Kind::kBlocked};
  if (!has_batch_) {
    const absl::Status read = reader_.Next({options_.batch, kRequestBytes}, batch_);
    file_is_broken_ = absl::IsDataLoss(read);
    KITH_RETURN_IF_ERROR(read);
    if (batch_.at_end()) return UpsertStep{UpsertStep::Kind::kEnd};
    has_batch_ = true;
  }
  if (SharesAnIdWithACallUnderWay()) return UpsertStep{UpsertStep::Kind::kBlocked};
  has_batch_ = false;
  return SendBatch(request);
}

absl::StatusOr<UpsertStep> ImportSource::SendBatch(v1::UpsertRequest& request) {
  AckWindow::Batch sent = Fill(request);
  const bool empty = sent.row_numbers.empty();
  sent.finished = empty;
  const auto keys = batch_.keys.empty() ? AckWindow::Keys::kAreUnique : AckWindow::Keys::kMayRepeat;
  const uint64_t ticket = window_.Open(std::move(sent), keys);
  if (empty) {
    request.Clear();
    KITH_RETURN_IF_ERROR(Advance());
    return UpsertStep{UpsertStep::Kind::kAgain};
  }
  const Hash128 id = RequestId();
  request.set_collection(options_.collection);
  request.set_request_id(id.data(), id.size());
  request.set_priority(v1::WRITE_PRIORITY_IMPORT);
  return UpsertStep{UpsertStep::Kind::kRequest, ticket};
}

absl::Status ImportSource::Done(uint64_t ticket, const v1::UpsertResponse& response,
                                std::chrono::nanoseconds latency) {
  const AckWindow::Batch& batch = window_.At(ticket);
  const auto rows = static_cast<int>(batch.row_numbers.size());
  if (response.statuses_size() != 0 && response.statuses_size() != rows) {
    return absl::InternalError(fmt::format("the server answered {} statuses for {} points",
                                           response.statuses_size(), rows));
  }
  std::vector<RejectedRow> refused;
  for (int i = 0; i < response.statuses_size(); ++i) {
    const absl::Status status = FromItemStatus(response.statuses(i));
    if (status.ok()) continue;
    if (!RowIsToBlame(status.code())) return status;
    refused.push_back({batch.row_numbers[static_cast<size_t>(i)],
                       PointKeyToString(batch.keys[static_cast<size_t>(i)]), ReasonOf(status),
                       std::string(status.message())});
  }
  const uint64_t written = static_cast<uint64_t>(rows) - refused.size();
  written_now_ += written;
  window_.Finish(ticket, written, std::move(refused));
  return Advance();
}

absl::Status ImportSource::Advance() {
  while (const auto batch = window_.TakeFinished()) {
    KITH_RETURN_IF_ERROR(rejects_.Add(batch->rejects));
    progress_.position = batch->end;
    progress_.written += batch->written;
    progress_.rejected += batch->rejects.size();
    progress_.rejects_bytes = rejects_.bytes();
  }
  return absl::OkStatus();
}

absl::Status ImportSource::Save() {
  next_save_ = steady_clock::now() + kSavePeriod;
  KITH_RETURN_IF_ERROR(rejects_.Sync());
  return SaveProgress(options_.progress_path, progress_);
}

void ImportSource::Retrying(const absl::Status& failure, std::chrono::milliseconds delay) {
  if (steady_clock::now() < next_retry_note_) return;
  next_retry_note_ = steady_clock::now() + kRetryNotePeriod;
  terminal_.err << fmt::format("{}kith: will try again in {} ms: {}{}\n",
                               terminal_.err_is_tty ? "\r\x1b[K" : "", delay.count(),
                               std::string(failure.message()),
                               ReasonOf(failure).empty() ? "" : " (" + ReasonOf(failure) + ")");
  terminal_.err.flush();
}

absl::Status ImportSource::Tick() {
  bar_.Update(BarState());
  return steady_clock::now() < next_save_ ? absl::OkStatus() : Save();
}

Progress::State ImportSource::BarState() const {
  const double seconds = bar_.seconds();
  const double rate = seconds > 0 ? static_cast<double>(written_now_) / seconds : 0;
  std::string detail = fmt::format("{} rows, {} rows/s", WithThousands(progress_.written),
                                   WithThousands(static_cast<uint64_t>(rate)));
  if (progress_.rejected > 0) {
    detail += fmt::format(", {} rejected", WithThousands(progress_.rejected));
  }
  return {static_cast<double>(progress_.position.byte) /
              static_cast<double>(std::max<uint64_t>(1, reader_.shape().bytes)),
          std::move(detail)};
}

}  // namespace kith::cli
