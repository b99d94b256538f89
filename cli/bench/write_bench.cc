#include "cli/bench/write_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "cli/bench/latencies.h"
#include "cli/client/connection.h"
#include "cli/client/fetch_collection.h"
#include "cli/client/rpc_error.h"
#include "cli/client/upsert_pipeline.h"
#include "cli/client/wire.h"
#include "cli/console/progress.h"
#include "cli/dataset/random.h"
#include "common/base/ids.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

using std::chrono::steady_clock;

// Vectors are made before the clock starts and used again after so many bytes of them.
constexpr uint64_t kPoolBytesMax = 256 << 20;

std::string MakePool(const WriteBenchOptions& options, const VectorSchema& schema) {
  const uint64_t fit = std::max<uint64_t>(options.batch, kPoolBytesMax / schema.row_bytes());
  const uint64_t rows = std::min(options.rows, fit);
  RandomStream random(options.seed, 0, 0);
  std::string pool(rows * schema.row_bytes(), '\0');
  const size_t width = ElementSize(schema.element_type);
  for (size_t at = 0; at < pool.size(); at += width) {
    if (schema.element_type == ElementType::kU8) {
      pool[at] = static_cast<char>(random.Next());
      continue;
    }
    const auto value = static_cast<float>(random.Normal());
    const uint16_t half = HalfFromFloat(value);
    std::memcpy(pool.data() + at, width == 2 ? static_cast<const void*>(&half) : &value, width);
  }
  return pool;
}

// Threads: one at a time.
class RandomRows final : public UpsertSource {
 public:
  RandomRows(const WriteBenchOptions& options, const VectorSchema& schema, Terminal& terminal)
      : options_(options),
        row_bytes_(schema.row_bytes()),
        pool_(MakePool(options, schema)),
        pool_rows_(pool_.size() / row_bytes_),
        run_id_(Uuid::Random()),
        bar_("bench write", terminal) {
    latencies_.Reserve(options.rows / options.batch + 1);
  }

  absl::StatusOr<UpsertStep> Next(v1::UpsertRequest& request) override {
    if (next_ >= options_.rows) return UpsertStep{UpsertStep::Kind::kEnd};
    const uint64_t at = next_ % pool_rows_;
    const uint64_t count =
        std::min({uint64_t{options_.batch}, options_.rows - next_, pool_rows_ - at});
    request.set_collection(options_.collection);
    v1::PointColumns& columns = *request.mutable_columns();
    columns.set_vectors(pool_.data() + at * row_bytes_, count * row_bytes_);
    columns.mutable_numbers()->Reserve(static_cast<int>(count));
    for (uint64_t i = 0; i < count; ++i) columns.add_numbers(options_.first_id + next_ + i);
    if (options_.request_ids) {
      std::string id(run_id_.view());
      std::memcpy(id.data(), &next_, sizeof(next_));
      request.set_request_id(id);
    }
    next_ += count;
    return UpsertStep{UpsertStep::Kind::kRequest, count};
  }

  // The ticket is the number of rows.
  absl::Status Done(uint64_t ticket, const v1::UpsertResponse& response,
                    std::chrono::nanoseconds latency) override {
    latencies_.Add(latency);
    uint64_t refused = 0;
    for (const auto& status : response.statuses()) refused += status.code() != 0 ? 1 : 0;
    errors_ += refused;
    written_ += ticket - std::min(ticket, refused);
    return absl::OkStatus();
  }

  void Retrying(const absl::Status& failure, std::chrono::milliseconds delay) override {}

  absl::Status Tick() override {
    bar_.Update(State());
    return absl::OkStatus();
  }

  Progress::State State() const {
    return {static_cast<double>(written_) / static_cast<double>(options_.rows),
            WithThousands(written_) + " rows"};
  }

  WriteReport Report(double seconds) {
    bar_.Finish(State());
    WriteReport report;
    report.rows = written_;
    report.errors = errors_;
    report.calls = latencies_.count();
    report.seconds = seconds;
    report.rows_per_s = static_cast<double>(written_) / seconds;
    report.p50_ms = latencies_.PercentileMs(0.50);
    report.p99_ms = latencies_.PercentileMs(0.99);
    return report;
  }

 private:
  const WriteBenchOptions& options_;
  const size_t row_bytes_;
  const std::string pool_;
  const uint64_t pool_rows_;
  const Uuid run_id_;
  Progress bar_;
  Latencies latencies_;
  uint64_t next_ = 0;
  uint64_t written_ = 0;
  uint64_t errors_ = 0;
};

absl::StatusOr<VectorSchema> FetchSchema(const WriteBenchOptions& options,
                                         const std::shared_ptr<grpc::Channel>& channel) {
  KITH_ASSIGN_OR_RETURN(const v1::Collection collection,
                        FetchCollection(channel, options.collection));
  KITH_ASSIGN_OR_RETURN(const VectorSchema schema, SchemaOf(collection));
  if (schema.dimension != options.dimension) {
    return UsageError("--dimension", fmt::format("the collection has dimension {}, not {}",
                                                 schema.dimension, options.dimension));
  }
  if (!options.dtype.empty() && options.dtype != NameOf(schema.element_type)) {
    return UsageError("--dtype", fmt::format("the collection holds {}, not {}",
                                             NameOf(schema.element_type), options.dtype));
  }
  return schema;
}

}  // namespace

absl::StatusOr<WriteReport> RunWriteBench(const WriteBenchOptions& options, Terminal& terminal) {
  InterruptWatch interrupt;
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  KITH_ASSIGN_OR_RETURN(const VectorSchema schema, FetchSchema(options, channel));
  RandomRows rows(options, schema, terminal);
  UpsertPipelineOptions pipeline_options;
  pipeline_options.in_flight = options.in_flight;
  UpsertPipeline pipeline(channel, pipeline_options, interrupt);
  const auto begin = steady_clock::now();
  KITH_RETURN_IF_ERROR(pipeline.Run(rows));
  WriteReport report =
      rows.Report(std::chrono::duration<double>(steady_clock::now() - begin).count());
  report.retries = pipeline.retries();
  return report;
}

Json ToJson(const WriteReport& report, const WriteBenchOptions& options) {
  return {{"rows_per_s", report.rows_per_s}, {"p50_ms", report.p50_ms},
          {"p99_ms", report.p99_ms},         {"rows", report.rows},
          {"errors", report.errors},         {"retries", report.retries},
          {"calls", report.calls},           {"seconds", report.seconds},
          {"batch", options.batch},          {"in_flight", options.in_flight},
          {"dimension", options.dimension},  {"request_ids", options.request_ids},
          {"collection", options.collection}};
}

}  // namespace kith::cli
