#include "cli/plot/svg_chart.h"

#include <fmt/format.h>

#include "cli/plot/chart_scale.h"

namespace kith::cli {
namespace {

constexpr double kWidth = 920;
constexpr double kHeaderHeight = 74;
constexpr double kChartHeight = 356;
constexpr double kLeft = 84;
constexpr double kRight = 24;
constexpr double kTop = 74;  // of a chart: its title and two lines of legend
constexpr double kBottom = 56;
constexpr double kLetter = 6.8;  // width of one, about
constexpr double kTickGap = 34;  // labels closer than this are left out
// Blue, orange, green, red, purple, brown of equal weight, told apart by the colour-blind too.
constexpr const char* kPalette[] = {"#1f6fb4", "#e07b1a", "#2a9d6f",
                                    "#c43c5b", "#7a5bb5", "#8a6a4f"};

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

struct TextStyle {
  const char* kind = "tick";  // a class of the style sheet
  const char* anchor = "start";
  double turned = 0;  // degrees
};

std::string Text(double x, double y, const std::string& text, const TextStyle& style) {
  const std::string turn =
      style.turned == 0
          ? ""
          : fmt::format(" transform=\"rotate({} {:.1f} {:.1f})\"", style.turned, x, y);
  return fmt::format(
      "<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", style.kind,
      x, y, style.anchor, turn, Escaped(text));
}

const char* ColourOf(const ChartSeries& series) {
  return kPalette[series.colour % std::size(kPalette)];
}

// Draws one chart with its upper left corner at (0, top of the picture + offset).
class ChartDrawing {
 public:
  ChartDrawing(const Chart& chart, double offset)
      : chart_(chart),
        x_(chart.x.scale, XValues(chart)),
        y_(chart.y.scale, YValues(chart)),
        top_(offset + kTop),
        bottom_(offset + kChartHeight - kBottom) {}

  std::string Draw() {
    out_ += Text(kLeft, top_ - 54, chart_.title, {"head"});
    DrawYAxis();
    DrawXAxis();
    for (const ChartSeries& series : chart_.series) DrawSeries(series);
    DrawLegend();
    return out_;
  }

 private:
  static std::vector<double> XValues(const Chart& chart) {
    std::vector<double> values;
    for (const ChartSeries& series : chart.series) {
      for (const auto& point : series.points) values.push_back(point.first);
    }
    return values;
  }
  static std::vector<double> YValues(const Chart& chart) {
    std::vector<double> values;
    for (const ChartSeries& series : chart.series) {
      for (const auto& point : series.points) values.push_back(point.second);
    }
    return values;
  }
  double PlaceX(double value) const { return kLeft + x_.Place(value) * (kWidth - kLeft - kRight); }
  double PlaceY(double value) const { return bottom_ - y_.Place(value) * (bottom_ - top_); }

  void DrawYAxis() {
    for (const Tick& tick : y_.Ticks()) {
      const double y = PlaceY(tick.value);
      out_ += fmt::format(
          "<line class=\"grid\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kLeft,
          y, kWidth - kRight, y);
      out_ += Text(kLeft - 8, y + 4, tick.label, {"tick", "end"});
    }
    out_ += Text(24, (top_ + bottom_) / 2, chart_.y.title, {"axis", "middle", -90});
  }

  void DrawXAxis() {
    double last = -kTickGap;
    for (const Tick& tick : x_.Ticks()) {
      const double x = PlaceX(tick.value);
      if (x - last < kTickGap) continue;
      last = x;
      out_ += fmt::format(
          "<line class=\"grid\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", x,
          top_, x, bottom_ + 5);
      out_ += Text(x, bottom_ + 20, tick.label, {"tick", "middle"});
    }
    out_ += fmt::format(
        "<line class=\"frame\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kLeft,
        bottom_, kWidth - kRight, bottom_);
    out_ += Text((kLeft + kWidth - kRight) / 2, bottom_ + 42, chart_.x.title, {"axis", "middle"});
  }

  void DrawSeries(const ChartSeries& series) {
    std::string path, dots;
    for (const auto& [x, y] : series.points) {
      if (!x_.Shows(x) || !y_.Shows(y)) continue;
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : " L", PlaceX(x), PlaceY(y));
      if (series.marks != ChartSeries::Marks::kDots && series.points.size() > 1) continue;
      dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\"/>\n",
                          PlaceX(x), PlaceY(y), ColourOf(series));
    }
    if (path.empty()) return;
    out_ += fmt::format("<path class=\"line\" d=\"{}\" stroke=\"{}\"{}/>\n{}", path,
                        ColourOf(series), Dashes(series), dots);
  }

  void DrawLegend() {
    double x = kLeft, y = top_ - 34;
    for (const ChartSeries& series : chart_.series) {
      const double width = 48 + kLetter * static_cast<double>(series.name.size());
      if (x + width > kWidth - kRight) {
        x = kLeft;
        y += 18;
      }
      out_ += fmt::format("<path class=\"line\" d=\"M{:.1f} {:.1f} h22\" stroke=\"{}\"{}/>\n", x,
                          y - 4, ColourOf(series), Dashes(series));
      out_ += Text(x + 28, y, series.name, {"tick"});
      x += width;
    }
  }

  static const char* Dashes(const ChartSeries& series) {
    return series.marks == ChartSeries::Marks::kDashes ? " stroke-dasharray=\"5 4\"" : "";
  }

  const Chart& chart_;
  const ChartScale x_;
  const ChartScale y_;
  const double top_;
  const double bottom_;
  std::string out_;
};

}  // namespace

std::string RenderSvg(const std::string& title, const std::string& subtitle,
                      const std::vector<Chart>& charts) {
  const double height = kHeaderHeight + kChartHeight * static_cast<double>(charts.size());
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "viewBox=\"0 0 {0:.0f} {1:.0f}\">\n",
      kWidth, height);
  svg +=
      "<style>\n"
      "text { font-family: 'DejaVu Sans', Verdana, sans-serif; fill: #26323d; }\n"
      ".title { font-size: 19px; font-weight: bold; }\n"
      ".note { font-size: 12px; fill: #5b6873; }\n"
      ".head { font-size: 14px; font-weight: bold; }\n"
      ".axis { font-size: 12px; }\n"
      ".tick { font-size: 11.5px; fill: #44515c; }\n"
      ".grid { stroke: #e1e6ea; stroke-width: 1; }\n"
      ".frame { stroke: #7d8a95; stroke-width: 1.2; }\n"
      ".line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }\n"
      "</style>\n";
  svg +=
      fmt::format("<rect width=\"{:.0f}\" height=\"{:.0f}\" fill=\"#ffffff\"/>\n", kWidth, height);
  svg += Text(kLeft, 34, title, {"title"});
  svg += Text(kLeft, 55, subtitle, {"note"});
  double offset = kHeaderHeight;
  for (const Chart& chart : charts) {
    svg += ChartDrawing(chart, offset).Draw();
    offset += kChartHeight;
  }
  return svg + "</svg>\n";
}

}  // namespace kith::cli
