#include "cli/console/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace kith::cli {
namespace {

using std::chrono::steady_clock;

constexpr auto kTerminalPeriod = std::chrono::milliseconds(100);
// Lines of a log come further apart the longer a step takes.
constexpr auto kLogPeriod = std::chrono::seconds(3);
constexpr auto kLogPeriodMax = std::chrono::seconds(30);
constexpr int kBarCells = 24;

}  // namespace

std::string WithThousands(uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string ShortDuration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  if (seconds < 60) return fmt::format("{:.1f}s", seconds);
  const auto whole = static_cast<uint64_t>(std::lround(seconds));
  if (whole < 3600) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  return fmt::format("{}h {:02}m", whole / 3600, whole / 60 % 60);
}

std::string ShortBytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

Progress::Progress(std::string title, Terminal& terminal)
    : title_(std::move(title)), terminal_(terminal), begin_(steady_clock::now()) {
  next_draw_ = begin_ + Period();
}

Progress::~Progress() {
  if (!is_on_the_bars_line_) return;
  terminal_.err << "\n";
  terminal_.err.flush();
}

steady_clock::duration Progress::Period() const {
  if (terminal_.err_is_tty) return kTerminalPeriod;
  return std::clamp<steady_clock::duration>((steady_clock::now() - begin_) / 8, kLogPeriod,
                                            kLogPeriodMax);
}

double Progress::seconds() const {
  return std::chrono::duration<double>(steady_clock::now() - begin_).count();
}

void Progress::Update(const State& state) {
  if (first_share_ < 0) first_share_ = state.share;
  const auto now = steady_clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + Period();
  Draw(state);
}

void Progress::Finish(const State& state) {
  if (terminal_.err_is_tty) {
    Draw(state);
    terminal_.err << "\n";
    is_on_the_bars_line_ = false;
  } else {
    terminal_.err << fmt::format("{}: {:.0f}% in {}, {}\n", title_, 100 * state.share,
                                 ShortDuration(seconds()), state.detail);
  }
  terminal_.err.flush();
}

std::string Progress::Eta(double share) const {
  const double done = share - std::max(0.0, first_share_);
  if (done <= 0 || share >= 1) return "";
  return ", " + ShortDuration(seconds() * (1 - share) / done) + " left";
}

void Progress::Draw(const State& state) {
  const double share = std::clamp(state.share, 0.0, 1.0);
  if (!terminal_.err_is_tty) {
    terminal_.err << fmt::format("{}: {:.0f}%, {}{}\n", title_, 100 * share, state.detail,
                                 Eta(share));
    terminal_.err.flush();
    return;
  }
  const auto full = static_cast<size_t>(std::lround(share * kBarCells));
  // \x1b[K clears what a longer line left behind.
  terminal_.err << fmt::format("\r{} [{}{}] {:3.0f}% {}{}\x1b[K", title_, std::string(full, '#'),
                               std::string(kBarCells - full, '.'), 100 * share, state.detail,
                               Eta(share));
  terminal_.err.flush();
  is_on_the_bars_line_ = true;
}

}  // namespace kith::cli
