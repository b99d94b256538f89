#ifndef KITH_CLI_COMMANDS_QUERY_INPUT_H_
#define KITH_CLI_COMMANDS_QUERY_INPUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"

namespace kith::cli {

// One vector, as the user gives it: text, a file of text, or a row of a file of vectors.
struct VectorInput {
  std::string text;
  std::string file;
  uint64_t row = 0;
  bool given() const { return !text.empty() || !file.empty(); }
};

// --vector and --vector-file (a row of it with --row).
void AddVectorInput(CLI::App& command, VectorInput& input);

// Usage error where none or both are given, or the text has no numbers; the file's own errors.
absl::StatusOr<std::vector<float>> ReadVector(const VectorInput& input);

// Row `row` of a file of vectors. OUT_OF_RANGE where there is none.
absl::StatusOr<std::vector<float>> ReadVectorRow(const std::string& path, uint64_t row);

}  // namespace kith::cli

#endif  // KITH_CLI_COMMANDS_QUERY_INPUT_H_
