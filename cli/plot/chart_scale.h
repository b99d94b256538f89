#ifndef KITH_CLI_PLOT_CHART_SCALE_H_
#define KITH_CLI_PLOT_CHART_SCALE_H_

#include <string>
#include <vector>

#include "cli/plot/svg_chart.h"

namespace kith::cli {

struct Tick {
  double value = 0;
  std::string label;
};

// Where values stand along an axis, and which of them are written there.
// Threads: any, once made.
class ChartScale {
 public:
  // Wide enough for all the values that the scale can show; never empty.
  ChartScale(Scale scale, const std::vector<double>& values);

  bool Shows(double value) const;
  double Place(double value) const;  // 0 at the axis' beginning, 1 at its end
  std::vector<Tick> Ticks() const;

 private:
  double Transformed(double value) const;
  std::vector<Tick> LinearTicks() const;
  std::vector<Tick> LogTicks() const;
  std::vector<Tick> NinesTicks() const;

  const Scale scale_;
  double low_ = 0;  // transformed
  double high_ = 1;
  double step_ = 1;  // between linear ticks
};

}  // namespace kith::cli

#endif  // KITH_CLI_PLOT_CHART_SCALE_H_
