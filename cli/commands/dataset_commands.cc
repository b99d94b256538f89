#include <fmt/format.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <system_error>

#include "cli/client/wire.h"
#include "cli/commands/commands.h"
#include "cli/console/progress.h"
#include "cli/data/neighbour_file.h"
#include "cli/data/read_only_file.h"
#include "cli/data/vector_reader.h"
#include "cli/dataset/dataset_files.h"
#include "cli/dataset/exact_neighbours.h"
#include "cli/dataset/generated_reader.h"
#include "cli/dataset/parallel.h"
#include "cli/import/file_identity.h"
#include "common/base/limits.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr uint64_t kRowsMax = std::numeric_limits<uint32_t>::max();  // what a header can say

struct MakeOptions : DatasetOptions {
  std::string dtype = "f32";
  bool describe = false;
};

absl::Status RunMake(const MakeOptions& options, Terminal& terminal) {
  DatasetOptions make = options;
  if (options.dtype != "f32" && options.dtype != "u8") {
    return UsageError("--dtype", fmt::format("\"{}\" is none of f32, u8", options.dtype));
  }
  if (options.describe) make.base = DatasetOptions::Base::kDescribed;
  make.element_type = options.dtype == "u8" ? ElementType::kU8 : ElementType::kF32;
  KITH_ASSIGN_OR_RETURN(const DatasetFiles files, MakeDataset(make, terminal));
  terminal.out << fmt::format("{}: {} vectors of {} dimensions\n{}: {} queries\n", files.base,
                              WithThousands(options.count), options.model.dimension, files.query,
                              WithThousands(options.queries));
  return absl::OkStatus();
}

struct TruthOptions {
  std::string base;
  std::string queries;
  std::string metric;
  std::string out;
  uint64_t count = kRowsMax;
  uint32_t k = 100;
  uint32_t threads = Cores();
  bool distances = false;
  std::string checkpoint;
};

// What a checkpoint belongs to.
absl::StatusOr<std::string> IdentityOf(const TruthOptions& options) {
  KITH_ASSIGN_OR_RETURN(const ReadOnlyFile base, ReadOnlyFile::Open(options.base));
  KITH_ASSIGN_OR_RETURN(const ReadOnlyFile queries, ReadOnlyFile::Open(options.queries));
  KITH_ASSIGN_OR_RETURN(const Hash128 base_hash, FileIdentity(base));
  KITH_ASSIGN_OR_RETURN(const Hash128 query_hash, FileIdentity(queries));
  return fmt::format("{} {} {} {} {}", ToHex(base_hash), ToHex(query_hash), options.metric,
                     options.k, options.count);
}

absl::Status RunTruth(const TruthOptions& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const v1::Metric metric, ParseMetric(options.metric));
  KITH_ASSIGN_OR_RETURN(const auto base, OpenVectors(options.base, 0));
  KITH_ASSIGN_OR_RETURN(const VectorMatrix queries, LoadVectors(options.queries, options.count));
  if (!base->shape().rows.has_value()) {
    return UsageError("--base", fmt::format("{} is text; give a binary file", options.base));
  }
  ExactNeighboursOptions exact{options.k, static_cast<Metric>(metric), options.threads, "", ""};
  if (!options.checkpoint.empty()) {
    exact.checkpoint = options.checkpoint;
    KITH_ASSIGN_OR_RETURN(exact.identity, IdentityOf(options));
  }
  KITH_ASSIGN_OR_RETURN(NeighbourTable table, ExactNeighbours(*base, queries, exact, terminal));
  if (!options.distances) table.scores.clear();
  KITH_RETURN_IF_ERROR(WriteNeighbours(options.out, table));
  std::error_code ignored;
  if (!options.checkpoint.empty()) std::filesystem::remove(options.checkpoint, ignored);
  terminal.out << fmt::format("{}: {} nearest of {} rows for {} queries\n", options.out, options.k,
                              WithThousands(*base->shape().rows), WithThousands(queries.rows));
  return absl::OkStatus();
}

void AddMake(CLI::App& group, Action& action) {
  auto options = std::make_shared<MakeOptions>();
  CLI::App* command = group.add_subcommand("make", "Make a clustered data set from a seed");
  command->add_option("OUT", options->prefix, "Makes OUT.base.fbin and OUT.query.fbin")->required();
  command->add_flag(
      "--describe", options->describe,
      "Write OUT.base.kgen instead of the vectors: import and truth draw them from it");
  command->add_option("--count", options->count, "Vectors")
      ->required()
      ->check(CLI::Range(uint64_t{1}, kRowsMax));
  command->add_option("--dimension", options->model.dimension, "Elements of a vector")
      ->required()
      ->check(CLI::Range(1u, limits::kDimensionMax));
  command->add_option("--queries", options->queries, "Queries, drawn apart from the vectors")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, kRowsMax));
  command->add_option("--seed", options->model.seed, "Same seed, same bytes")
      ->capture_default_str();
  command->add_option("--dtype", options->dtype, "f32, or u8 for .u8bin files")
      ->capture_default_str();
  command->add_option("--latent", options->model.latent, "Dimensions of the latent space")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--clusters", options->model.clusters, "Clusters")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--noise", options->model.noise, "Of an element, whose own spread is about 1")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 100.0));
  command
      ->add_option("--threads", options->threads,
                   "Threads; the bytes do not depend on them (all cores)")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  command->footer(
      "Such data is easier than real data: docs/dataset.md.\n"
      "Example:\n"
      "  kith dataset make demo --count 200000 --dimension 80 --queries 1000 --seed 7");
  OnParsed(*command, action, options, RunMake);
}

void AddTruth(CLI::App& group, Action& action) {
  auto options = std::make_shared<TruthOptions>();
  CLI::App* command = group.add_subcommand("truth", "True neighbours, by comparing all with all");
  command->add_option("--base", options->base, "A file of vectors")->required();
  command->add_option("--queries", options->queries, "A file of vectors of the same kind")
      ->required();
  command->add_option("--k", options->k, "Neighbours a query")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--metric", options->metric, "l2, ip or cosine")->required();
  command->add_option("--out", options->out, "The .ibin or .ivecs file to write")->required();
  command->add_option("--count", options->count, "Only the first so many queries");
  command->add_option("--checkpoint", options->checkpoint,
                      "Note the progress in this file, and go on from it; removed at the end");
  command->add_flag("--distances", options->distances, "Their scores too (the big-ann form)");
  command->add_option("--threads", options->threads, "Threads (all cores)")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  command->footer(
      "Example:\n"
      "  kith dataset truth --base demo.base.fbin --queries demo.query.fbin \\\n"
      "    --k 100 --metric l2 --out demo.truth.ibin");
  OnParsed(*command, action, options, RunTruth);
}

}  // namespace

void AddDatasetCommands(CLI::App& app, Action& action) {
  CLI::App* group = app.add_subcommand("dataset", "Make data sets and their true neighbours");
  group->require_subcommand(1);
  AddMake(*group, action);
  AddTruth(*group, action);
}

}  // namespace kith::cli
