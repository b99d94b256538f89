#include "bench/library/engine_session.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <limits>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "bench/library/encoded_file.h"
#include "bench/library/row_image.h"
#include "common/base/status.h"
#include "index/encoder.h"
#include "index/kernels/kernel_table.h"
#include "index/list_segment.h"
#include "index/plan.h"
#include "index/search.h"
#include "index/train.h"

namespace kith::bench {
namespace {

using std::chrono::steady_clock;

double SecondsSince(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

absl::Status FromEngine(const index::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::InternalError(status.message());
}

std::string VersionPath(const std::string& folder) { return folder + "/version"; }
std::string CodesPath(const std::string& folder) { return folder + "/codes"; }
std::string RowsPath(const std::string& folder) { return folder + "/rows"; }

index::Result<std::shared_ptr<const index::IndexVersion>> Train(const cli::VectorMatrix& base,
                                                                const EngineShape& shape) {
  index::IndexParameters parameters{.dimension = base.shape.dimension,
                                    .element_type = base.shape.element_type};
  parameters.lists = shape.lists != 0 ? shape.lists : index::AutoLists(base.rows);
  parameters.subspaces =
      shape.subspaces != 0 ? shape.subspaces : index::AutoSubspaces(base.shape.dimension);
  index::SetPlaneB(shape.plane_b_bytes, parameters);
  parameters.seed = 1;
  std::mt19937_64 random(1);
  const uint64_t wanted = index::SamplePoints(base.rows, parameters.lists);
  std::vector<std::byte> sample;
  sample.reserve(wanted * base.shape.row_bytes());
  for (uint64_t i = 0; i < wanted; ++i) {
    // One of each stretch of equal length: no point twice.
    const uint64_t begin = i * base.rows / wanted;
    const uint64_t length = (i + 1) * base.rows / wanted - begin;
    const std::byte* row = base.Row(begin + random() % length);
    sample.insert(sample.end(), row, row + base.shape.row_bytes());
  }
  index::TrainingControl control;
  control.threads = shape.threads;
  return index::TrainIndexVersion(parameters, {sample.data(), wanted}, control);
}

class Session;

class SessionSearcher final : public EngineSession::Searcher {
 public:
  explicit SessionSearcher(const Session& session) : session_(session) {}
  absl::Status Search(const OperatingPoint& point, std::span<const std::byte> queries, uint32_t k,
                      std::span<uint32_t> rows) override;

 private:
  const Session& session_;
  index::SearchWorkspace workspace_;
  std::vector<index::SearchAnswer> answers_;
};

class Session final : public EngineSession {
 public:
  absl::Status Load(const std::string& folder) {
    KITH_RETURN_IF_ERROR(rows_.Open(RowsPath(folder)));
    std::ifstream artifact(VersionPath(folder), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(artifact), {}};
    auto version = index::ParseIndexVersion(bytes);
    if (!version.ok()) return absl::DataLossError(version.status().message());
    version_ = *version;
    index::EncodedRows encoded;
    std::ifstream codes(CodesPath(folder), std::ios::binary);
    TransferEncoded(codes, encoded);
    if (!codes) return absl::DataLossError(CodesPath(folder) + " is cut short: remove it");
    segments_ = {index::ListSegment::FromEncoded(*version_, encoded)};
    shape_.dimension = version_->dimension();
    shape_.element_type = version_->parameters.element_type;
    view_ = {.element_type = shape_.element_type,
             .dimension = shape_.dimension,
             .rows = rows_.table(),
             .tombstones = &tombstones_,
             .version = version_.get(),
             .segments = segments_,
             .indexed_end = rows_.rows()};
    return absl::OkStatus();
  }

  const index::IndexView& view() const override { return view_; }
  std::unique_ptr<Searcher> NewSearcher() const override {
    return std::make_unique<SessionSearcher>(*this);
  }
  uint32_t points() const override { return rows_.rows(); }
  const cli::FileShape& query_shape() const override { return shape_; }
  std::string Description() const override {
    return fmt::format("lists={} subspaces={} plane_b_bytes={} kernels={}", version_->lists(),
                       version_->subspaces(), version_->plane_b_bytes(),
                       index::ActiveKernels().name);
  }

 private:
  MappedRows rows_;
  std::shared_ptr<const index::IndexVersion> version_;
  std::vector<std::shared_ptr<const index::ListSegment>> segments_;
  index::Tombstones tombstones_;
  index::IndexView view_;
  cli::FileShape shape_;
};

absl::Status SessionSearcher::Search(const OperatingPoint& point,
                                     std::span<const std::byte> queries, uint32_t k,
                                     std::span<uint32_t> rows) {
  index::SearchOptions options;
  options.limit = k;
  options.nprobe = point.nprobe;
  options.refine = point.refine;
  options.rerank = point.rerank;
  if (point.stop_ratio != 0) options.stop_ratio = point.stop_ratio;
  std::fill(rows.begin(), rows.end(), std::numeric_limits<uint32_t>::max());
  const size_t query_bytes = session_.query_shape().row_bytes();
  answers_.resize(rows.size() / k);
  const index::QueryBatch batch{session_.view(), queries.data(), query_bytes};
  const index::Status status = index::SearchBatch(batch, options, workspace_, answers_);
  if (!status.ok()) return FromEngine(status);
  for (size_t i = 0; i < answers_.size(); ++i) {
    const std::vector<index::Hit>& hits = answers_[i].hits;
    for (size_t j = 0; j < hits.size(); ++j) rows[i * k + j] = hits[j].row;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<double> EngineSession::Build(const cli::VectorMatrix& base, const EngineShape& shape,
                                            const std::string& folder) {
  const RowImage rows(base);
  const auto begin = steady_clock::now();
  auto version = Train(base, shape);
  if (!version.ok()) return absl::FailedPreconditionError(version.status().message());
  std::vector<uint32_t> all(base.rows);
  std::iota(all.begin(), all.end(), 0u);
  index::EncodedRows encoded = index::EncodeRows(**version, rows.table(), all, shape.threads);
  index::ListSegment::FromEncoded(**version, encoded);
  const double seconds = SecondsSince(begin);
  KITH_RETURN_IF_ERROR(rows.Write(RowsPath(folder)));
  std::ofstream artifact(VersionPath(folder), std::ios::binary);
  artifact << index::SerializeIndexVersion(**version);
  std::ofstream codes(CodesPath(folder), std::ios::binary);
  TransferEncoded(codes, encoded);
  if (!artifact.flush() || !codes.flush()) {
    return absl::UnavailableError("cannot write into " + folder);
  }
  return seconds;
}

absl::StatusOr<std::unique_ptr<EngineSession>> EngineSession::Open(const std::string& folder) {
  auto session = std::make_unique<Session>();
  KITH_RETURN_IF_ERROR(session->Load(folder));
  // What loading left to the allocator does not count as the index's memory.
  malloc_trim(0);
  return session;
}

}  // namespace kith::bench
