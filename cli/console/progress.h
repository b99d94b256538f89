#ifndef KITH_CLI_CONSOLE_PROGRESS_H_
#define KITH_CLI_CONSOLE_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "cli/console/terminal.h"

namespace kith::cli {

// "1,234,567" and "3m 05s" and "1.2 GiB".
std::string WithThousands(uint64_t value);
std::string ShortDuration(double seconds);
std::string ShortBytes(uint64_t bytes);

// Says how far a long step is: one bar drawn over itself on a terminal, a line every few seconds
// elsewhere, so that a log stays readable.
// Threads: one at a time.
class Progress {
 public:
  struct State {
    double share = 0;    // 0 to 1
    std::string detail;  // "1,234,567 rows, 93,120 rows/s"
  };

  Progress(std::string title, Terminal& terminal);
  // Ends the line of a bar that was not finished, so that what is said next has its own.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // Draws where it is time to; cheap otherwise.
  void Update(const State& state);
  // The same where the state itself takes work: state() is called where it is time to draw.
  template <typename StateOf>
  void UpdateFrom(StateOf state) {
    if (IsDue()) Update(state());
  }
  // The last state, whatever the time, and the end of the line.
  void Finish(const State& state);
  double seconds() const;  // since the beginning

 private:
  bool IsDue() const { return std::chrono::steady_clock::now() >= next_draw_; }
  std::chrono::steady_clock::duration Period() const;
  void Draw(const State& state);
  std::string Eta(double share) const;

  const std::string title_;
  Terminal& terminal_;
  const std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point next_draw_;
  bool is_on_the_bars_line_ = false;
  double first_share_ = -1;  // where a resumed job began: the rate is of what was done since
};

}  // namespace kith::cli

#endif  // KITH_CLI_CONSOLE_PROGRESS_H_
