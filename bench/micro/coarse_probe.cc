// Compares the coarse step by groups of lists with that over all lists, in turns: which lists they
// pick for queries and points, and what it takes.
//
//   kith_coarse_probe ARTIFACT BASE.u8bin QUERY.u8bin [rounds=5] [points=200000] [threads=2]
//   [product=0] (1: queries pick lists by inner product)
//   [lists=262144] (where ARTIFACT is -: vectors of the base, not trained, are centroids)
//
// ARTIFACT is what kith_sift_probe cache=FILE leaves, of more than 8,192 lists.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "index/coarse.h"
#include "index/index_version.h"
#include "index/list_groups.h"
#include "index/nearest.h"
#include "index/parallel.h"

namespace kith::index {
namespace {

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "coarse_probe: %s\n", message.c_str());
  std::exit(1);
}

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Points {
  size_t count = 0;
  size_t dimension = 0;
  std::vector<float> values;

  const float* Row(size_t i) const { return &values[i * dimension]; }
};

// Vectors of a file: `most`, from everywhere in it.
Points Load(const char* path, size_t most) {
  std::ifstream file(path, std::ios::binary);
  uint32_t head[2];
  if (!file.read(reinterpret_cast<char*>(head), 8)) Fail(std::string("cannot read ") + path);
  Points points{std::min<size_t>(head[0], most), head[1], {}};
  std::vector<uint8_t> bytes(points.dimension);
  for (size_t i = 0; i < points.count; ++i) {
    const uint64_t row = uint64_t{i} * head[0] / points.count;
    file.seekg(static_cast<std::streamoff>(8 + row * bytes.size()));
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    points.values.insert(points.values.end(), bytes.begin(), bytes.end());
  }
  if (!file) Fail(std::string(path) + " is cut short");
  return points;
}

std::shared_ptr<const IndexVersion> Parse(const char* path, size_t product) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  auto version = ParseIndexVersion(bytes);
  if (!version.ok()) Fail(version.status().message());
  if ((*version)->group_codes.centroids() == 0) Fail("its lists stand in no groups");
  if (product == 0) return *version;
  auto changed = std::make_shared<IndexVersion>(**version);
  changed->parameters.metric = Metric::kInnerProduct;
  return changed;
}

// Where the time of a training of so many lists is not to be had.
std::shared_ptr<const IndexVersion> Untrained(Points centroids) {
  const TrainingControl control;
  Pace pace(control, 1);
  auto version = std::make_shared<IndexVersion>();
  version->parameters = {.dimension = static_cast<uint32_t>(centroids.dimension),
                         .lists = static_cast<uint32_t>(centroids.count)};
  const double begin = Seconds();
  GroupRows(centroids.dimension, pace, centroids.values);
  std::printf("grouped in %.1f s\n", Seconds() - begin);
  version->centroids = std::move(centroids.values);
  version->codebooks.resize(256 * centroids.dimension);
  DeriveImages(*version);
  return version;
}

class Probe {
 public:
  Probe(std::shared_ptr<const IndexVersion> version, size_t rounds)
      : rounds_(rounds),
        grouped_(std::move(version)),
        flat_(std::make_shared<IndexVersion>(*grouped_)) {
    flat_->group_codes = CentroidCodes();
  }

  void Queries(const Points& queries) {
    std::printf("%u lists, %zu queries\nnprobe  same lists  flat us  groups us  (eight a call)\n",
                grouped_->lists(), queries.count);
    for (const uint32_t nprobe : {1u, 16u, 32u, 64u, 128u, 256u}) {
      double flat = 1e9, grouped = 1e9, flat_eight = 1e9, grouped_eight = 1e9;
      for (size_t round = 0; round < rounds_; ++round) {
        flat = std::min(flat, Pick(*flat_, queries, {nprobe, 1}, flat_lists_));
        grouped = std::min(grouped, Pick(*grouped_, queries, {nprobe, 1}, grouped_lists_));
        flat_eight = std::min(flat_eight, Pick(*flat_, queries, {nprobe, 8}, flat_lists_));
        grouped_eight =
            std::min(grouped_eight, Pick(*grouped_, queries, {nprobe, 8}, grouped_lists_));
      }
      std::printf("%6u  %9.4f  %7.1f  %9.1f  (%.1f, %.1f)\n", nprobe, Same(queries.count, nprobe),
                  flat, grouped, flat_eight, grouped_eight);
    }
  }

  void Assign(const Points& points, int threads) {
    std::vector<uint32_t> flat_lists(points.count);
    std::vector<uint32_t> grouped_lists(points.count);
    double flat = 1e9;
    double grouped = 1e9;
    for (size_t round = 0; round < rounds_; ++round) {
      flat = std::min(flat, Assign(*flat_, points, threads, flat_lists));
      grouped = std::min(grouped, Assign(*grouped_, points, threads, grouped_lists));
    }
    size_t same = 0;
    double flat_squares = 0;
    double grouped_squares = 0;
    for (size_t i = 0; i < points.count; ++i) {
      same += flat_lists[i] == grouped_lists[i];
      flat_squares += SquaredResidual(points.Row(i), flat_lists[i]);
      grouped_squares += SquaredResidual(points.Row(i), grouped_lists[i]);
    }
    const auto count = static_cast<double>(points.count);
    std::printf(
        "%zu points, %d threads: flat %.0f/s, groups %.0f/s (%.1f times); same list %.4f, mean "
        "squared residual %.5f %% more\n",
        points.count, threads, count / flat, count / grouped, flat / grouped,
        static_cast<double>(same) / count, 100 * (grouped_squares / flat_squares - 1));
  }

 private:
  using Lists = std::vector<std::vector<uint32_t>>;
  struct Call {
    uint32_t nprobe;
    size_t queries;  // of one call, at most eight
  };

  // Microseconds a query.
  static double Pick(const IndexVersion& version, const Points& queries, const Call& call,
                     Lists& lists) {
    std::array<CoarseStep, 8> steps;
    std::array<CoarseStep*, 8> pointers;
    lists.resize(queries.count);
    double seconds = 0;
    const size_t together = call.queries;
    for (size_t begin = 0; begin + together <= queries.count; begin += together) {
      const double start = Seconds();
      for (size_t i = 0; i < together; ++i) {
        steps[i].Bind(version, queries.Row(begin + i));
        pointers[i] = &steps[i];
      }
      CoarseStep::Score({pointers.data(), together});
      for (size_t i = 0; i < together; ++i) steps[i].Pick(call.nprobe);
      seconds += Seconds() - start;
      for (size_t i = 0; i < together; ++i) {
        lists[begin + i].assign(steps[i].Rest().begin(), steps[i].Rest().end());
      }
    }
    return seconds / static_cast<double>(queries.count) * 1e6;
  }

  double Same(size_t queries, uint32_t nprobe) {
    size_t same = 0;
    for (size_t i = 0; i < queries; ++i) {
      std::vector<uint32_t> both;
      std::sort(flat_lists_[i].begin(), flat_lists_[i].end());
      std::sort(grouped_lists_[i].begin(), grouped_lists_[i].end());
      std::set_intersection(flat_lists_[i].begin(), flat_lists_[i].end(), grouped_lists_[i].begin(),
                            grouped_lists_[i].end(), std::back_inserter(both));
      same += both.size();
    }
    return static_cast<double>(same) / static_cast<double>(queries * nprobe);
  }

  static double Assign(const IndexVersion& version, const Points& points, int threads,
                       std::vector<uint32_t>& lists) {
    constexpr size_t kEach = 1536;
    const Matrix centroids = {version.centroids.data(), version.lists(), version.dimension()};
    const double begin = Seconds();
    ForEachChunk(
        threads, (points.count + kEach - 1) / kEach,
        [&](size_t chunk) {
          const size_t first = chunk * kEach;
          NearestFinder(centroids, version.coarse_codes())
              .Find({points.Row(first), std::min(kEach, points.count - first), points.dimension},
                    &lists[first]);
        },
        [](size_t) { return true; });
    return Seconds() - begin;
  }

  double SquaredResidual(const float* point, uint32_t list) const {
    double sum = 0;
    for (size_t j = 0; j < grouped_->dimension(); ++j) {
      const double difference = double{point[j]} - grouped_->Centroid(list)[j];
      sum += difference * difference;
    }
    return sum;
  }

  const size_t rounds_;
  std::shared_ptr<const IndexVersion> grouped_;
  std::shared_ptr<IndexVersion> flat_;
  Lists flat_lists_;
  Lists grouped_lists_;
};

size_t Setting(int argc, char** argv, const std::string& name, size_t standard) {
  for (int i = 4; i < argc; ++i) {
    const std::string value = argv[i];
    if (value.starts_with(name + "=")) return std::stoul(value.substr(name.size() + 1));
  }
  return standard;
}

int Main(int argc, char** argv) {
  if (argc < 4) Fail("usage: kith_coarse_probe ARTIFACT BASE.u8bin QUERY.u8bin [name=value ...]");
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const auto version = std::string(argv[1]) == "-"
                           ? Untrained(Load(argv[2], Setting(argc, argv, "lists", 262'144)))
                           : Parse(argv[1], Setting(argc, argv, "product", 0));
  Probe probe(version, Setting(argc, argv, "rounds", 5));
  probe.Queries(Load(argv[3], 2000));
  probe.Assign(Load(argv[2], Setting(argc, argv, "points", 200'000)),
               static_cast<int>(Setting(argc, argv, "threads", 2)));
  return 0;
}

}  // namespace
}  // namespace kith::index

int main(int argc, char** argv) { return kith::index::Main(argc, argv); }
