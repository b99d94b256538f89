#include "index/nearness_order.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "index/list_groups.h"

namespace kith::index {
namespace {

// Rows that a part's border is found by, at most.
constexpr size_t kSample = 1024;
constexpr int kPowerSteps = 6;
constexpr int kLloydSteps = 4;
// A part keeps this share of the rows at least, so that there are few halvings.
constexpr size_t kLeastShare = 8;

struct Part {
  size_t begin;
  size_t end;
};

// The border of two clusters: where <row - origin, direction> is `middle`. The origin lies among
// the rows, so that they keep their digits.
struct Border {
  std::span<const float> origin;
  std::vector<float> direction;
  float middle = 0;

  float Side(const float* row) const {
    float sum = 0;
    for (size_t j = 0; j < direction.size(); ++j) sum += (row[j] - origin[j]) * direction[j];
    return sum - middle;
  }
};

// Halves one part of the order.
class Halving {
 public:
  Halving(const Matrix& rows, std::span<uint32_t> part) : rows_(rows), part_(part) {}

  // How many rows stand in the first half now.
  size_t Run() {
    TakeSample();
    const Border border = FindBorder();
    std::vector<std::pair<float, uint32_t>> sides(part_.size());
    size_t below = 0;
    for (size_t i = 0; i < part_.size(); ++i) {
      const float side = border.Side(rows_.Row(part_[i]));
      sides[i] = {std::isfinite(side) ? side : 0, part_[i]};
      below += sides[i].first < 0;
    }
    const size_t cut = CutNear(below);
    // Of equal ones the lower rows come first: not left to the library.
    std::nth_element(sides.begin(), sides.begin() + static_cast<std::ptrdiff_t>(cut), sides.end());
    for (size_t i = 0; i < part_.size(); ++i) part_[i] = sides[i].second;
    std::sort(part_.begin(), part_.begin() + static_cast<std::ptrdiff_t>(cut));
    std::sort(part_.begin() + static_cast<std::ptrdiff_t>(cut), part_.end());
    return cut;
  }

 private:
  size_t n() const { return rows_.dimension; }

  size_t CutNear(size_t below) const {
    const size_t groups = (part_.size() + kGroupLists - 1) / kGroupLists;
    const size_t least = std::max<size_t>(groups / kLeastShare, 1);
    return std::clamp((below + kGroupLists / 2) / kGroupLists, least, groups - least) * kGroupLists;
  }

  void TakeSample() {
    const size_t count = std::min(part_.size(), kSample);
    sample_.resize(count * n());
    mean_.assign(n(), 0);
    for (size_t i = 0; i < count; ++i) {
      const float* row = rows_.Row(part_[i * part_.size() / count]);
      std::copy_n(row, n(), &sample_[i * n()]);
      for (size_t j = 0; j < n(); ++j) mean_[j] += row[j] / static_cast<float>(count);
    }
  }

  // Two clusters of the sample, begun on either side of its mean along its longest axis.
  Border FindBorder() {
    Border border{mean_, LongestAxis()};
    for (int step = 0; step < kLloydSteps; ++step) {
      std::vector<double> sums[2] = {std::vector<double>(n()), std::vector<double>(n())};
      size_t counts[2] = {};
      for (size_t i = 0; i < sample_.size(); i += n()) {
        const int half = border.Side(&sample_[i]) >= 0 ? 1 : 0;
        ++counts[half];
        for (size_t j = 0; j < n(); ++j) sums[half][j] += sample_[i + j] - mean_[j];
      }
      if (counts[0] == 0 || counts[1] == 0) break;
      double middle = 0;
      for (size_t j = 0; j < n(); ++j) {
        const double low = sums[0][j] / static_cast<double>(counts[0]);
        const double high = sums[1][j] / static_cast<double>(counts[1]);
        border.direction[j] = static_cast<float>(high - low);
        middle += (high - low) * (high + low) / 2;
      }
      border.middle = static_cast<float>(middle);
    }
    return border;
  }

  // By the power method, nearly.
  std::vector<float> LongestAxis() const {
    std::vector<float> axis(n());
    for (size_t j = 0; j < n(); ++j) axis[j] = sample_[j] - mean_[j];
    std::vector<float> next(n());
    for (int step = 0; step < kPowerSteps; ++step) {
      std::fill(next.begin(), next.end(), 0.0f);
      for (size_t i = 0; i < sample_.size(); i += n()) {
        float along = 0;
        for (size_t j = 0; j < n(); ++j) along += (sample_[i + j] - mean_[j]) * axis[j];
        for (size_t j = 0; j < n(); ++j) next[j] += along * (sample_[i + j] - mean_[j]);
      }
      float longest = 0;
      for (const float value : next) longest = std::max(longest, std::abs(value));
      if (!(longest > 0) || !std::isfinite(longest)) break;
      for (size_t j = 0; j < n(); ++j) axis[j] = next[j] / longest;
    }
    return axis;
  }

  const Matrix& rows_;
  const std::span<uint32_t> part_;
  std::vector<float> sample_;
  std::vector<float> mean_;
};

}  // namespace

std::vector<uint32_t> OrderByNearness(const Matrix& rows, Pace& pace) {
  std::vector<uint32_t> order(rows.count);
  std::iota(order.begin(), order.end(), 0);
  std::vector<Part> parts;
  const auto add = [](std::vector<Part>& to, Part part) {
    if (part.end - part.begin > kGroupLists) to.push_back(part);
  };
  add(parts, {0, rows.count});
  while (!parts.empty()) {
    std::vector<size_t> cuts(parts.size());
    const bool done = pace.Run(parts.size(), 0, [&](size_t i) {
      const size_t size = parts[i].end - parts[i].begin;
      cuts[i] = Halving(rows, std::span(order).subspan(parts[i].begin, size)).Run();
    });
    if (!done) return {};
    std::vector<Part> halves;
    for (size_t i = 0; i < parts.size(); ++i) {
      add(halves, {parts[i].begin, parts[i].begin + cuts[i]});
      add(halves, {parts[i].begin + cuts[i], parts[i].end});
    }
    parts = std::move(halves);
  }
  return order;
}

}  // namespace kith::index
