#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cli/plot/chart_scale.h"
#include "cli/plot/svg_chart.h"

namespace kith::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> Labels(const ChartScale& scale) {
  std::vector<std::string> labels;
  for (const Tick& tick : scale.Ticks()) labels.push_back(tick.label);
  return labels;
}

TEST(ChartScale, WritesRoundNumbersThatSpanTheValues) {
  EXPECT_EQ(Labels(ChartScale(Scale::kLinear, {0, 57})),
            (std::vector<std::string>{"0", "10", "20", "30", "40", "50", "60"}));
  EXPECT_EQ(Labels(ChartScale(Scale::kLinear, {0.91, 0.955})),
            (std::vector<std::string>{"0.91", "0.92", "0.93", "0.94", "0.95", "0.96"}));
  EXPECT_EQ(Labels(ChartScale(Scale::kLog, {0.2, 40})),
            (std::vector<std::string>{"0.1", "0.2", "0.5", "1", "2", "5", "10", "20"}));
  EXPECT_EQ(Labels(ChartScale(Scale::kNines, {0.1, 0.9985})),
            (std::vector<std::string>{"0 %", "50 %", "90 %", "99 %"}));
}

TEST(ChartScale, PlacesValuesAndLeavesOutWhatItCannotShow) {
  const ChartScale log(Scale::kLog, {1, 100});
  EXPECT_NEAR(log.Place(10), 0.5, 1e-12);
  EXPECT_FALSE(log.Shows(0));
  EXPECT_FALSE(log.Shows(std::nan("")));
  const ChartScale nines(Scale::kNines, {0, 0.99});
  EXPECT_NEAR(nines.Place(0.9), 0.5, 1e-9);
  EXPECT_FALSE(nines.Shows(1));
  for (const Scale scale : {Scale::kLinear, Scale::kLog, Scale::kNines}) {
    EXPECT_FALSE(ChartScale(scale, {}).Ticks().empty()) << "an empty chart has axes too";
    EXPECT_FALSE(ChartScale(scale, {5, 5}).Ticks().empty());
  }
}

TEST(SvgChart, HasTitlesUnitsLegendAndEscapesText) {
  const Chart chart{"over time",
                    {"seconds", Scale::kLinear},
                    {"latency, ms", Scale::kLog},
                    {{"p50 <all>", {{0, 1}, {1, std::nan("")}, {2, 3}}}, {"none", {}}}};
  const std::string svg = RenderSvg("a & b", "note", {chart});
  for (const char* text :
       {"a &amp; b", "note", "over time", "seconds", "latency, ms", "p50 &lt;all&gt;", "</svg>"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace kith::cli
