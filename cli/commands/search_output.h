#ifndef KITH_CLI_COMMANDS_SEARCH_OUTPUT_H_
#define KITH_CLI_COMMANDS_SEARCH_OUTPUT_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/console/json_output.h"
#include "cli/console/terminal.h"
#include "common/vector/element.h"
#include "kith/v1/search.pb.h"

// What `kith search` says of an answer.
namespace kith::cli {

// What was asked for, as far as the output goes by it.
struct SearchOutput {
  bool with_payload = false;
  bool with_vector = false;
  bool explain = false;
  bool is_range = false;   // then whether all of it is there
  bool has_pages = false;  // then where the next one begins
  std::string group_by;    // empty: hits
};

// INTERNAL where a vector's bytes do not fit the element type.
absl::StatusOr<Json> SearchJson(const v1::SearchResponse& answer, const SearchOutput& options,
                                ElementType type);

// `json`: SearchJson of the same answer.
void PrintSearch(const v1::SearchResponse& answer, const Json& json, const SearchOutput& options,
                 Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_COMMANDS_SEARCH_OUTPUT_H_
