#ifndef KITH_TESTS_FUZZ_CHECKED_BYTES_H_
#define KITH_TESTS_FUZZ_CHECKED_BYTES_H_

#include <fmt/format.h>
#include <xxhash.h>

#include <string>
#include <string_view>

namespace kith::fuzz {

// The lines of a text file (shard/storage/checked_text.h) with the checksum that ends them.
inline std::string WithChecksum(std::string_view lines) {
  return fmt::format("{}checksum={:016x}\n", lines, XXH3_64bits(lines.data(), lines.size()));
}

inline std::string_view WithoutChecksum(std::string_view file) {
  return file.substr(0, file.size() - WithChecksum("").size());
}

}  // namespace kith::fuzz

#endif  // KITH_TESTS_FUZZ_CHECKED_BYTES_H_
