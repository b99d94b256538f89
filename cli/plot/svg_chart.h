#ifndef KITH_CLI_PLOT_SVG_CHART_H_
#define KITH_CLI_PLOT_SVG_CHART_H_

#include <string>
#include <utility>
#include <vector>

namespace kith::cli {

enum class Scale {
  kLinear,
  kLog,
  kNines,  // of shares: 0, 0.9, 0.99, 0.999 at equal distances
};

struct ChartAxis {
  std::string title;  // with its unit
  Scale scale = Scale::kLinear;
};

struct ChartSeries {
  enum class Marks { kLine, kDashes, kDots };
  std::string name;
  std::vector<std::pair<double, double>> points;  // what a scale cannot show is left out
  Marks marks = Marks::kLine;                     // kDots: a line with dots on it
  size_t colour = 0;                              // of the palette, which goes round
};

struct Chart {
  std::string title;
  ChartAxis x;
  ChartAxis y;
  std::vector<ChartSeries> series;
};

// One picture with the charts above one another: title, axes with ticks and units, legends.
std::string RenderSvg(const std::string& title, const std::string& subtitle,
                      const std::vector<Chart>& charts);

}  // namespace kith::cli

#endif  // KITH_CLI_PLOT_SVG_CHART_H_
