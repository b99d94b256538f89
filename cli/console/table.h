#ifndef KITH_CLI_CONSOLE_TABLE_H_
#define KITH_CLI_CONSOLE_TABLE_H_

#include <ostream>
#include <string>
#include <vector>

namespace kith::cli {

// Columns lined up under their titles, two spaces apart; the last one is not padded.
// Threads: one at a time.
class Table {
 public:
  explicit Table(std::vector<std::string> titles) : rows_{std::move(titles)} {}
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void Print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace kith::cli

#endif  // KITH_CLI_CONSOLE_TABLE_H_
