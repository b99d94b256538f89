#include "cli/plot/chart_scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kith::cli {
namespace {

constexpr int kLinearTicks = 6;
constexpr int kLogTicksFew = 3;  // so few decades get ticks at 2 and 5 as well
constexpr double kNinesMax = 7;

// 1, 2 or 5 times a power of ten, not below.
double NiceStep(double rough) {
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string NumberText(double value) {
  if (std::abs(value) < 1e-12) return "0";
  if (std::abs(value) >= 10'000) {
    return std::abs(value) >= 1e6 ? fmt::format("{:g}M", value / 1e6)
                                  : fmt::format("{:g}k", value / 1e3);
  }
  return fmt::format("{:.6g}", value);
}

}  // namespace

ChartScale::ChartScale(Scale scale, const std::vector<double>& values) : scale_(scale) {
  std::vector<double> shown;
  for (const double value : values) {
    if (Shows(value)) shown.push_back(Transformed(value));
  }
  if (shown.empty()) shown = {0, 1};
  low_ = *std::min_element(shown.begin(), shown.end());
  high_ = *std::max_element(shown.begin(), shown.end());
  if (scale == Scale::kLinear) {
    if (high_ - low_ < 1e-12) high_ = low_ + std::max(1e-6, std::abs(low_) * 0.1);
    // An axis that nearly begins at zero does begin there.
    if (low_ > 0 && low_ < 0.5 * high_) low_ = 0;
    step_ = NiceStep((high_ - low_) / kLinearTicks);
    low_ = std::floor(low_ / step_ + 1e-9) * step_;
    high_ = std::ceil(high_ / step_ - 1e-9) * step_;
  } else if (scale == Scale::kLog) {
    low_ = std::floor(low_ * kLogTicksFew + 1e-9) / kLogTicksFew;
    high_ = std::ceil(high_ * kLogTicksFew - 1e-9) / kLogTicksFew;
    if (high_ - low_ < 1) high_ = low_ + 1;
  } else {
    low_ = 0;
    high_ = std::max(1.0, high_);
  }
}

bool ChartScale::Shows(double value) const {
  if (!std::isfinite(value)) return false;
  if (scale_ == Scale::kLog) return value > 0;
  return scale_ != Scale::kNines || (value >= 0 && value < 1);
}

double ChartScale::Transformed(double value) const {
  if (scale_ == Scale::kLog) return std::log10(value);
  if (scale_ == Scale::kNines) return std::min(kNinesMax, -std::log10(1 - value));
  return value;
}

double ChartScale::Place(double value) const {
  return (Transformed(value) - low_) / (high_ - low_);
}

std::vector<Tick> ChartScale::Ticks() const {
  if (scale_ == Scale::kLog) return LogTicks();
  return scale_ == Scale::kNines ? NinesTicks() : LinearTicks();
}

std::vector<Tick> ChartScale::LinearTicks() const {
  std::vector<Tick> ticks;
  const auto count = static_cast<int>(std::lround((high_ - low_) / step_));
  for (int i = 0; i <= count; ++i) {
    const double value = low_ + i * step_;
    ticks.push_back({value, NumberText(value)});
  }
  return ticks;
}

std::vector<Tick> ChartScale::LogTicks() const {
  std::vector<Tick> ticks;
  const bool few = high_ - low_ <= kLogTicksFew;
  for (auto power = static_cast<int>(std::floor(low_)); power <= high_; ++power) {
    for (const int factor : {1, 2, 5}) {
      const double value = factor * std::pow(10, power);
      const double at = std::log10(value);
      if (at < low_ - 1e-9 || at > high_ + 1e-9 || (factor != 1 && !few)) continue;
      ticks.push_back({value, NumberText(value)});
    }
  }
  return ticks;
}

std::vector<Tick> ChartScale::NinesTicks() const {
  std::vector<Tick> ticks = {{0, "0 %"}, {0.5, "50 %"}};
  for (int nines = 1; nines <= high_ + 1e-9; ++nines) {
    const double value = 1 - std::pow(10, -nines);
    ticks.push_back({value, fmt::format("{:.{}f} %", 100 * value, std::max(0, nines - 2))});
  }
  return ticks;
}

}  // namespace kith::cli
