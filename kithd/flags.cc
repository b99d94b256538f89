#include "kithd/flags.h"

#include <map>
#include <utility>

#include <CLI/CLI.hpp>

#include "kithd/version.h"

namespace kith::kithd {
namespace {

constexpr int kBadUsage = 2;

}  // namespace

ParsedFlags ParseFlags(int argc, char** argv) {
  CLI::App app(
      "kithd: the Kith server. Without arguments a whole cluster in this process, with its "
      "data in ./kith-data.");
  app.footer(
      "Stops on SIGTERM, SIGINT or SIGHUP; a second signal ends it at once, without loss.\n"
      "With keys or certificates SIGHUP stops nothing: they are read again when they change.\n"
      "Exit codes: 0 stopped, 1 could not run or was ended at once, 2 the configuration is wrong.\n"
      "/readyz on the --http port answers 200 when it serves. docs/operations.md has the rest.");
  app.set_version_flag("--version", std::string("kithd ") + kVersion);
  Flags flags;
  app.add_option("--config", flags.inputs.file,
                 "YAML configuration; deploy/kithd.yaml explains it");
  app.add_flag("--check-config", flags.check_config, "Check the configuration, print it and exit");

  struct Override {
    const char* flag;
    const char* path;
    const char* help;
  };
  constexpr Override kOverrides[] = {
      {"--data", "data.directory", "Directory of everything durable"},
      {"--listen", "grpc.listen", "Address of the clients' port, host:port"},
      {"--http", "http.listen", "Address of REST, metrics and health, host:port"},
      {"--node-listen", "node.listen", "Address for coordinators (role shard), host:port"},
      {"--role", "role", "all, coordinator or shard"},
  };
  std::map<std::string, std::string> given;
  for (const Override& one : kOverrides) app.add_option(one.flag, given[one.flag], one.help);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, app.exit(error) == 0 ? 0 : kBadUsage};
  }
  for (const Override& one : kOverrides) {
    if (app.count(one.flag) == 0) continue;
    flags.inputs.flags.push_back({one.flag, one.path, given[one.flag]});
  }
  return {std::move(flags), 0};
}

}  // namespace kith::kithd
