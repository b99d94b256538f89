#include "bench/gpu/made_collection.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <numeric>
#include <random>
#include <set>
#include <thread>

#include "bench/gpu/seconds.h"
#include "index/encoder.h"
#include "index/plan.h"
#include "index/train.h"

namespace kith::bench {

using index::Status;

namespace {

constexpr uint32_t kDimension = MadePoints::kDimension;

// How far values of dimension j are spread: most of it lies in the first few, as in embeddings
// after their principal components. Noise as wide in all of them would have no near neighbours to
// find.
float ScaleOf(size_t j) { return 1 / (1 + 0.2f * static_cast<float>(j)); }

}  // namespace

MadePoints::MadePoints(uint32_t points) : stride_(RowTable::StrideFor(kDimension * sizeof(float))) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  constexpr uint32_t kCentres = 20'000;
  std::vector<float> centres(size_t{kCentres} * kDimension);
  for (size_t i = 0; i < centres.size(); ++i) {
    centres[i] = normal(random) * ScaleOf(i % kDimension);
  }
  records_.resize(size_t{points} * stride_);
  queries_.resize(size_t{kQueries} * kDimension);
  const auto draw = [&](float* out) {
    const float* centre = &centres[random() % kCentres * kDimension];
    for (uint32_t j = 0; j < kDimension; ++j)
      out[j] = centre[j] + 0.6f * normal(random) * ScaleOf(j);
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

index::IndexView MadeCollection::View() const {
  index::IndexView view;
  view.dimension = kDimension;
  view.rows = points->table();
  view.version = version.get();
  view.segments = segments;
  view.indexed_end = view.rows.row_end;
  return view;
}

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

bool WriteForPeers(const MadeCollection& made, const std::string& folder) {
  constexpr std::streamsize kVectorBytes = kDimension * sizeof(float);
  const RowTable& table = made.points->table();
  std::ofstream base(folder + "/base.f32", std::ios::binary);
  for (uint32_t row = 0; row < table.row_end; ++row) {
    base.write(reinterpret_cast<const char*>(table.Vector(row)), kVectorBytes);
  }
  std::ofstream queries(folder + "/queries.f32", std::ios::binary);
  std::ofstream truth(folder + "/truth.u32", std::ios::binary);
  for (uint32_t i = 0; i < MadePoints::kQueries; ++i) {
    queries.write(reinterpret_cast<const char*>(made.points->query(i)), kVectorBytes);
    for (const index::Hit& hit : made.truth[i]) {
      truth.write(reinterpret_cast<const char*>(&hit.row), sizeof(hit.row));
    }
  }
  base.close();
  queries.close();
  truth.close();
  return base.good() && queries.good() && truth.good();
}

}  // namespace kith::bench
