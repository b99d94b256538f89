#include "index/kmeans.h"

#include <algorithm>
#include <bit>
#include <queue>
#include <utility>

#include "index/random.h"

namespace kith::index {
namespace {

constexpr size_t kClustersOfTask = 64;
// Iterations left to the end without a split, so that what was split settles.
constexpr int kSettling = 3;
// A cluster is given up for a split only below this share of the mean's points.
constexpr float kFewPoints = 0.25f;

uint64_t HashRow(const std::vector<float>& row) {
  uint64_t hash = row.size();
  for (const float value : row) {
    // Adding 0 turns -0 into 0.
    hash = (hash ^ std::bit_cast<uint32_t>(value + 0.0f)) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  }
  return hash;
}

// Calls work(cluster) for all of them.
template <class Work>
bool ForEachCluster(size_t clusters, Pace& pace, const Work& work) {
  return pace.Run((clusters + kClustersOfTask - 1) / kClustersOfTask, 0, [&](size_t task) {
    const size_t end = std::min(clusters, (task + 1) * kClustersOfTask);
    for (size_t c = task * kClustersOfTask; c < end; ++c) work(c);
  });
}

void MoveToMeanOfCodes(const CodedPoints& points, const Members& members, size_t cluster,
                       float* centroid) {
  constexpr uint32_t kBlock = 1u << 16;  // whose sums an int32 holds
  const uint32_t size = members.Size(cluster);
  if (size == 0) return;
  const size_t n = points.range.dimension();
  std::vector<int64_t> sums(n);
  std::vector<int32_t> block(n);
  for (uint32_t begin = 0; begin < size; begin += kBlock) {
    std::fill(block.begin(), block.end(), 0);
    for (uint32_t i = begin; i < std::min(size, begin + kBlock); ++i) {
      const int8_t* code = points.Row(members.Of(cluster)[i]);
      for (size_t j = 0; j < n; ++j) block[j] += code[j];
    }
    for (size_t j = 0; j < n; ++j) sums[j] += block[j];
  }
  for (size_t j = 0; j < n; ++j) {
    const double mean = static_cast<double>(sums[j]) / size + 128;
    centroid[j] = points.range.Value(static_cast<float>(mean), j);
  }
}

// Gives centroids without points, or with few while others have too many, a point of a large
// cluster each.
class Reseeding {
 public:
  Reseeding(const CodedPoints& points, const Members& members, Random& random)
      : points_(points), members_(members), random_(random) {}

  void Run(float largest, std::vector<float>& centroids) {
    const size_t n = points_.range.dimension();
    for (uint32_t c = 0; c < members_.clusters(); ++c) {
      if (members_.Size(c) > 1) largest_.push({members_.Size(c), ~c});
    }
    const float mean = static_cast<float>(points_.count) / static_cast<float>(members_.clusters());
    for (const uint32_t c : Spare(mean)) {
      const int8_t* code = PointOfLargest(members_.Size(c) == 0 ? 0 : largest * mean);
      if (code == nullptr) return;
      for (size_t j = 0; j < n; ++j) {
        centroids[c * n + j] = points_.range.Value(static_cast<float>(code[j] + 128), j);
      }
    }
  }

 private:
  // Clusters of few points, the emptiest first.
  std::vector<uint32_t> Spare(float mean) const {
    std::vector<uint32_t> spare;
    for (uint32_t c = 0; c < members_.clusters(); ++c) {
      if (static_cast<float>(members_.Size(c)) < kFewPoints * mean) spare.push_back(c);
    }
    std::stable_sort(spare.begin(), spare.end(),
                     [&](uint32_t a, uint32_t b) { return members_.Size(a) < members_.Size(b); });
    return spare;
  }

  // nullptr where no cluster of more than `least` points has two different ones.
  const int8_t* PointOfLargest(float least) {
    while (!largest_.empty()) {
      const auto [share, inverted] = largest_.top();
      if (static_cast<float>(share) <= least) return nullptr;
      const uint32_t cluster = ~inverted;
      largest_.pop();
      if (!HasDifferentPoints(cluster)) continue;
      // Counted as half: it will share its points with the new one.
      if (share > 1) largest_.push({share / 2, inverted});
      return points_.Row(members_.Of(cluster)[random_.Below(members_.Size(cluster))]);
    }
    return nullptr;
  }

  bool HasDifferentPoints(uint32_t cluster) const {
    const uint32_t* of = members_.Of(cluster);
    const int8_t* first = points_.Row(of[0]);
    for (uint32_t i = 1; i < members_.Size(cluster); ++i) {
      if (!std::equal(first, first + points_.range.width(), points_.Row(of[i]))) return true;
    }
    return false;
  }

  const CodedPoints& points_;
  const Members& members_;
  Random& random_;
  std::priority_queue<std::pair<uint32_t, uint32_t>> largest_;  // share of points, ~cluster
};

// The nearest centroid of each point. Centroids move: of many the groups are made anew each time.
bool Assign(const CodedPoints& points, const KMeansOptions& options, Pace& pace,
            Clusters& clusters) {
  const size_t n = points.range.dimension();
  const size_t count = clusters.centroids.size() / n;
  const bool is_grouped = count > options.ungrouped;
  if (is_grouped && !GroupRows(n, pace, clusters.centroids)) return false;
  const Matrix centroids = {clusters.centroids.data(), count, n};
  const CentroidCodes codes(centroids, points.range);
  if (!is_grouped) return AssignCodes(points, {codes}, pace, clusters.nearest);
  const CentroidCodes groups = GroupCodes(centroids, points.range);
  return AssignCodes(points, {codes, &groups}, pace, clusters.nearest);
}

}  // namespace

std::vector<uint32_t> DistinctRows(const RowSource& rows, size_t wanted) {
  constexpr uint32_t kFree = 0xffffffff;
  const size_t slots = std::bit_ceil(2 * std::min(wanted, rows.count) + 1);
  std::vector<uint32_t> table(slots, kFree);
  std::vector<uint32_t> found;
  std::vector<float> row(rows.dimension);
  std::vector<float> other(rows.dimension);
  const auto is_other = [&](uint32_t held) {
    rows.read(held, other.data());
    return row != other;
  };
  for (uint32_t i = 0; i < rows.count && found.size() < wanted; ++i) {
    rows.read(i, row.data());
    size_t slot = HashRow(row) >> 7 & (slots - 1);
    while (table[slot] != kFree && is_other(table[slot])) slot = (slot + 1) & (slots - 1);
    if (table[slot] != kFree) continue;
    table[slot] = i;
    found.push_back(i);
  }
  return found;
}

double KMeansWork(size_t points, size_t clusters, size_t dimension, int iterations) {
  return iterations * AssignWork(points, clusters, dimension);
}

bool KMeans(const CodedPoints& points, const KMeansOptions& options, Pace& pace,
            Clusters& clusters) {
  Random random(options.seed);
  const size_t n = points.range.dimension();
  const size_t count = clusters.centroids.size() / n;
  for (int i = 0; i < options.iterations; ++i) {
    if (!Assign(points, options, pace, clusters)) return false;
    const Members members(clusters.nearest, count);
    const bool moved = ForEachCluster(count, pace, [&](size_t c) {
      MoveToMeanOfCodes(points, members, c, &clusters.centroids[c * n]);
    });
    if (!moved) return false;
    const bool settles = i + kSettling >= options.iterations;
    Reseeding(points, members, random)
        .Run(settles ? std::numeric_limits<float>::infinity() : options.largest,
             clusters.centroids);
  }
  return true;
}

bool MoveToMeans(const RowSource& rows, const ByteRange& range, Pace& pace, Clusters& clusters) {
  const size_t n = rows.dimension;
  const Members members(clusters.nearest, clusters.centroids.size() / n);
  return ForEachCluster(members.clusters(), pace, [&](size_t c) {
    if (members.Size(c) == 0) return;
    std::vector<float> row(n);
    std::vector<double> sums(n);
    for (uint32_t i = 0; i < members.Size(c); ++i) {
      rows.read(members.Of(c)[i], row.data());
      for (size_t j = 0; j < n; ++j) {
        sums[j] += std::clamp(row[j], range.Value(0, j), range.Value(255, j));
      }
    }
    for (size_t j = 0; j < n; ++j) {
      clusters.centroids[c * n + j] = static_cast<float>(sums[j] / members.Size(c));
    }
  });
}

}  // namespace kith::index
