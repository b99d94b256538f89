#ifndef KITH_KITHD_FLAGS_H_
#define KITH_KITHD_FLAGS_H_

#include <optional>
#include <string>

#include "common/config/load_config.h"

namespace kith::kithd {

struct Flags {
  config::ConfigInputs inputs;  // without the environment
  bool check_config = false;
};

// Of the command line; otherwise what to exit with, after having printed help, version or what is
// wrong.
struct ParsedFlags {
  std::optional<Flags> flags;
  int exit_code = 0;
};
ParsedFlags ParseFlags(int argc, char** argv);

}  // namespace kith::kithd

#endif  // KITH_KITHD_FLAGS_H_
