#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "bench/gpu/parts.h"
#include "index/encoder.h"
#include "index/gpu/card_search.h"
#include "index/plan.h"
#include "index/train.h"

namespace kith::bench {
namespace {

using index::Status;
using index::gpu::CardAnswer;
using index::gpu::CardQuestion;

constexpr uint32_t kDimension = 96;
constexpr uint32_t kQueries = 1000;
constexpr uint32_t kNeighbours = 10;

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Points around centres that lie on a low-dimensional plane, with noise that falls off from one
// dimension to the next; the last ones are the queries.
class MadePoints {
 public:
  explicit MadePoints(uint32_t points) : stride_(RowTable::StrideFor(kDimension * sizeof(float))) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    constexpr uint32_t kCentres = 20'000;
    std::vector<float> centres(size_t{kCentres} * kDimension);
    for (size_t i = 0; i < centres.size(); ++i) {
      centres[i] = normal(random) / (1 + 0.05f * static_cast<float>(i % kDimension));
    }
    records_.resize(size_t{points} * stride_);
    queries_.resize(size_t{kQueries} * kDimension);
    const auto draw = [&](float* out) {
      const float* centre = &centres[random() % kCentres * kDimension];
      for (uint32_t j = 0; j < kDimension; ++j) out[j] = centre[j] + 0.6f * normal(random);
    };
    for (uint32_t row = 0; row < points; ++row) {
      RowHeader header{};
      header.row = row;
      header.version = 1;
      header.inverse_norm = 1;
      std::memcpy(header.key, PointKey::FromNumber(row).bytes.data(), PointKey::kSize);
      std::byte* record = records_.data() + size_t{row} * stride_;
      std::memcpy(record, &header, sizeof(header));
      float vector[kDimension];
      draw(vector);
      std::memcpy(record + sizeof(header), vector, sizeof(vector));
    }
    for (uint32_t i = 0; i < kQueries; ++i) draw(&queries_[size_t{i} * kDimension]);
    extent_ = records_.data();
    table_ = {&extent_, 31, stride_, points};
  }

  const RowTable& table() const { return table_; }
  const float* query(uint32_t i) const { return &queries_[size_t{i} * kDimension]; }

 private:
  uint32_t stride_;
  std::vector<std::byte> records_;
  std::vector<float> queries_;
  const std::byte* extent_ = nullptr;
  RowTable table_;
};

using Hits = std::vector<std::vector<index::Hit>>;

struct MadeCollection {
  std::unique_ptr<MadePoints> points;
  std::shared_ptr<const index::IndexVersion> version;
  std::vector<std::shared_ptr<const index::ListSegment>> segments;
  Hits truth;

  index::IndexView View() const {
    index::IndexView view;
    view.dimension = kDimension;
    view.rows = points->table();
    view.version = version.get();
    view.segments = segments;
    view.indexed_end = view.rows.row_end;
    return view;
  }
};

Status MakeCollection(uint32_t count, Report& report, MadeCollection& made) {
  const int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  auto begin = std::chrono::steady_clock::now();
  made.points = std::make_unique<MadePoints>(count);
  report.Add({"recall", "points made on the host", SecondsSince(begin), "s"});
  index::IndexParameters p;
  p.dimension = kDimension;
  p.lists = index::AutoLists(count);
  p.subspaces = 24;
  p.seed = 1;
  index::SetPlaneB(0, p);
  const auto sampled = static_cast<uint32_t>(index::SamplePoints(count, p.lists));
  std::vector<float> sample(size_t{sampled} * kDimension);
  for (uint32_t i = 0; i < sampled; ++i) {
    std::memcpy(&sample[size_t{i} * kDimension], made.points->table().Vector(i),
                kDimension * sizeof(float));
  }
  index::TrainingControl control;
  control.threads = threads;
  begin = std::chrono::steady_clock::now();
  auto trained =
      TrainIndexVersion(p, {reinterpret_cast<const std::byte*>(sample.data()), sampled}, control);
  if (!trained.ok()) return trained.status();
  made.version = *trained;
  report.Add({"recall", "training", SecondsSince(begin), "s"});
  std::vector<uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0u);
  begin = std::chrono::steady_clock::now();
  made.segments = {index::ListSegment::FromEncoded(
      *made.version, EncodeRows(*made.version, made.points->table(), rows, threads))};
  report.Add({"recall", "encoding", SecondsSince(begin), "s"});
  return {};
}

double ShareFound(const Hits& found, const Hits& truth) {
  size_t hits = 0;
  size_t wanted = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    std::set<uint32_t> rows;
    for (const index::Hit& hit : found[i]) rows.insert(hit.row);
    for (const index::Hit& hit : truth[i]) hits += rows.count(hit.row);
    wanted += truth[i].size();
  }
  return static_cast<double>(hits) / static_cast<double>(std::max<size_t>(wanted, 1));
}

Status SearchHost(const MadeCollection& made, const index::SearchOptions& options, Hits& hits) {
  index::SearchWorkspace workspace;
  const index::IndexView view = made.View();
  hits.resize(kQueries);
  for (uint32_t i = 0; i < kQueries; ++i) {
    index::SearchAnswer answer;
    const Status status = Search({view, made.points->query(i)}, options, workspace, answer);
    if (!status.ok()) return status;
    hits[i] = answer.hits;
  }
  return {};
}

struct CardRun {
  index::SearchOptions options;
  uint32_t batch = 0;
};

Status SearchCard(index::gpu::ResidentIndex& index, const MadeCollection& made, const CardRun& run,
                  Hits& hits) {
  const auto& [options, batch] = run;
  index::SearchWorkspace workspace;
  index::gpu::CardAsker asker;
  index::gpu::CardFinisher finisher(workspace);
  const index::IndexView view = made.View();
  const index::gpu::CardScope scope = ScopeOf(index, view);
  hits.resize(kQueries);
  for (uint32_t begin = 0; begin < kQueries; begin += batch) {
    const uint32_t some = std::min(batch, kQueries - begin);
    std::vector<CardQuestion> questions;
    for (uint32_t i = 0; i < some; ++i) {
      questions.push_back({made.points->query(begin + i), &options});
    }
    std::vector<CardAnswer> answers(some);
    Status status = asker.Ask(index, {view, scope}, questions, answers);
    for (uint32_t i = 0; i < some && status.ok(); ++i) {
      index::SearchAnswer answer;
      status = finisher.Finish({view, scope}, questions[i], answers[i], answer);
      hits[begin + i] = std::move(answer.hits);
    }
    if (!status.ok()) return status;
  }
  return {};
}

Status MeasureProbes(index::gpu::ResidentIndex& index, const MadeCollection& made, uint32_t nprobe,
                     Report& report) {
  index::SearchOptions options;
  options.limit = kNeighbours;
  options.nprobe = nprobe;
  Hits host;
  Hits card;
  const std::string name = std::to_string(nprobe) + " lists: ";
  auto begin = std::chrono::steady_clock::now();
  if (Status status = SearchHost(made, options, host); !status.ok()) return status;
  report.Add({"recall", name + "CPU, one thread", kQueries / SecondsSince(begin), "queries/s"});
  for (const uint32_t batch : {1u, kQueries}) {
    begin = std::chrono::steady_clock::now();
    const Status status = SearchCard(index, made, {options, batch}, card);
    if (!status.ok()) return status;
    report.Add({"recall", name + "card and one host thread, batch " + std::to_string(batch),
                kQueries / SecondsSince(begin), "queries/s"});
  }
  report.Add({"recall", name + "recall@10 of the CPU", ShareFound(host, made.truth), ""});
  report.Add({"recall", name + "recall@10 of the card", ShareFound(card, made.truth), ""});
  report.Add({"recall", name + "ids that agree", ShareFound(card, host), ""});
  return {};
}

}  // namespace

Status MeasureRecall(index::gpu::Card& card, const PartOptions& options, Report& report) {
  const auto count = static_cast<uint32_t>(
      options.points != 0 ? std::min<uint64_t>(options.points, 20'000'000) : 1'000'000);
  MadeCollection made;
  if (Status status = MakeCollection(count, report, made); !status.ok()) return status;
  index::gpu::ResidentOptions room;
  room.load = index::gpu::LoadOf(made.segments, made.version->lists(), 0);
  room.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  auto begin = std::chrono::steady_clock::now();
  auto index = index::gpu::ResidentIndex::Create(card, made.version, room);
  if (!index.ok()) return index.status();
  for (index::Result<bool> more = true; more.ok() && *more;) {
    more = (*index)->Step(made.segments);
    if (!more.ok()) return more.status();
  }
  report.Add({"recall", "load of the card, rows a second", count / SecondsSince(begin), "rows/s"});
  index::SearchOptions exact;
  exact.exact = true;
  begin = std::chrono::steady_clock::now();
  if (Status status = SearchHost(made, exact, made.truth); !status.ok()) return status;
  report.Add({"recall", "exact search on the host", SecondsSince(begin), "s"});
  for (const uint32_t nprobe : {8u, 16u, 32u, 64u, 128u}) {
    const Status status = MeasureProbes(**index, made, nprobe, report);
    if (!status.ok()) return status;
  }
  return {};
}

}  // namespace kith::bench
