#include "index/assign.h"

#include <algorithm>
#include <numeric>

#include "index/kernels/kernel_table.h"
#include "index/list_groups.h"
#include "index/nearest.h"

namespace kith::index {
namespace {

struct Task {
  size_t begin;
  size_t count;
};

Task TaskOf(size_t task, size_t each, size_t count) {
  return {task * each, std::min(each, count - task * each)};
}

double Work(size_t points, size_t compared, size_t dimension) {
  return static_cast<double>(points) * static_cast<double>(compared) *
         static_cast<double>(dimension);
}

// Centroids that a point is compared with.
size_t Compared(const CoarseCodes& centroids) {
  const size_t all = centroids.lists.centroids();
  return centroids.groups != nullptr ? GroupWalk::Compared(all) : all;
}

void FindByGroups(const CoarseCodes& centroids, const int8_t* points, size_t count,
                  uint32_t* nearest) {
  std::vector<PanelCandidate> candidates(count * PanelCandidate::kClasses);
  GroupWalk(centroids).Find(points, count, candidates.data());
  for (size_t i = 0; i < count; ++i) {
    nearest[i] = NearestOfClasses(&candidates[i * PanelCandidate::kClasses]);
  }
}

}  // namespace

bool EncodePoints(const RowSource& rows, Pace& pace, CodedPoints& points) {
  constexpr size_t kEach = 1024;
  const size_t width = points.range.width();
  points.count = rows.count;
  points.codes.resize(rows.count * width);
  return pace.Run((rows.count + kEach - 1) / kEach, 0, [&](size_t index) {
    const Task task = TaskOf(index, kEach, rows.count);
    std::vector<float> row(rows.dimension);
    for (size_t i = task.begin; i < task.begin + task.count; ++i) {
      rows.read(i, row.data());
      points.range.Encode(row.data(), points.codes.data() + i * width);
    }
  });
}

bool AssignCodes(const CodedPoints& points, const CoarseCodes& centroids, Pace& pace,
                 std::vector<uint32_t>& nearest) {
  nearest.resize(points.count);
  const size_t compared = Compared(centroids);
  const size_t each = PointsOfTask(compared, points.range.width());
  const size_t tasks = (points.count + each - 1) / each;
  const double work =
      Work(points.count, compared, points.range.dimension()) / static_cast<double>(tasks);
  return pace.Run(tasks, work, [&](size_t index) {
    const Task task = TaskOf(index, each, points.count);
    uint32_t* out = nearest.data() + task.begin;
    if (centroids.groups != nullptr) {
      FindByGroups(centroids, points.Row(task.begin), task.count, out);
    } else {
      ActiveKernels().panel_nearest(centroids.lists.distance_panels(), points.Row(task.begin),
                                    task.count, out);
    }
  });
}

bool AssignRows(const RowSource& rows, const Matrix& centroids, Pace& pace,
                std::vector<uint32_t>& nearest) {
  nearest.resize(rows.count);
  const CentroidCodes lists(centroids);
  const bool is_grouped = centroids.count > kUngroupedLists;
  const CentroidCodes groups = is_grouped ? GroupCodes(centroids, lists.range()) : CentroidCodes();
  const CoarseCodes codes{lists, is_grouped ? &groups : nullptr};
  const size_t compared = Compared(codes);
  const size_t each = std::min<size_t>(PointsOfTask(compared, lists.width()), 1536);
  const size_t tasks = (rows.count + each - 1) / each;
  const double work = Work(rows.count, compared, centroids.dimension) / static_cast<double>(tasks);
  return pace.Run(tasks, work, [&](size_t index) {
    const Task task = TaskOf(index, each, rows.count);
    std::vector<float> points(task.count * rows.dimension);
    for (size_t i = 0; i < task.count; ++i) {
      rows.read(task.begin + i, &points[i * rows.dimension]);
    }
    NearestFinder(centroids, codes)
        .Find({points.data(), task.count, rows.dimension}, nearest.data() + task.begin);
  });
}

double AssignWork(size_t points, size_t centroids, size_t dimension) {
  const bool is_grouped = centroids > kUngroupedLists;
  return Work(points, is_grouped ? GroupWalk::Compared(centroids) : centroids, dimension);
}

Members::Members(const std::vector<uint32_t>& nearest, size_t clusters)
    : begins(clusters + 1), points(nearest.size()) {
  for (uint32_t cluster : nearest) ++begins[cluster + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<uint32_t> next(begins.begin(), begins.end() - 1);
  for (uint32_t i = 0; i < nearest.size(); ++i) points[next[nearest[i]]++] = i;
}

}  // namespace kith::index
