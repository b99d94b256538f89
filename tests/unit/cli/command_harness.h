#ifndef KITH_TESTS_UNIT_CLI_COMMAND_HARNESS_H_
#define KITH_TESTS_UNIT_CLI_COMMAND_HARNESS_H_

#include <sstream>
#include <string>
#include <vector>

#include "cli/command_line.h"

namespace kith::cli {

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

// One command of `kith`, as a shell would run it.
inline Ran RunKith(std::vector<std::string> words, const std::string& input = "") {
  words.insert(words.begin(), "kith");
  std::vector<const char*> pointers;
  for (const std::string& word : words) pointers.push_back(word.c_str());
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{in, out, err, !input.empty(), false};
  Ran ran;
  ran.code = RunCommandLine(static_cast<int>(pointers.size()), pointers.data(), terminal);
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

}  // namespace kith::cli

#endif  // KITH_TESTS_UNIT_CLI_COMMAND_HARNESS_H_
