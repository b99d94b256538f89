#ifndef KITH_COMMON_BASE_ONE_LINE_H_
#define KITH_COMMON_BASE_ONE_LINE_H_

#include <algorithm>
#include <string>

namespace kith {

// A library's message, which may end in or hold line breaks, as a part of ours, which is a line.
inline std::string OneLine(std::string text) {
  text.erase(text.find_last_not_of("\r\n ") + 1);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

}  // namespace kith

#endif  // KITH_COMMON_BASE_ONE_LINE_H_
