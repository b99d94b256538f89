#include "cli/commands/collection_text.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "cli/client/wire.h"
#include "cli/console/progress.h"
#include "cli/console/table.h"

namespace kith::cli {
namespace {

template <typename Value>
void PrintLine(Terminal& terminal, std::string_view name, const Value& value) {
  terminal.out << fmt::format("{:<18}{}\n", name, value);
}

void PrintMemory(Terminal& terminal, const v1::MemoryByPart& memory) {
  const std::pair<std::string_view, uint64_t> parts[] = {
      {"  codes", memory.codes()},           {"  refine", memory.refine()},
      {"  quantizer", memory.quantizer()},   {"  rows (mapped)", memory.rows()},
      {"  tombstones", memory.tombstones()}, {"  payload index", memory.payload_index()}};
  for (const auto& [name, bytes] : parts) PrintLine(terminal, name, ShortBytes(bytes));
}

void PrintHealth(Terminal& terminal, const v1::IndexHealth& health) {
  PrintLine(terminal, "since training",
            fmt::format("{:+.1f} % points, {:.2f} % of the rows outside its ranges",
                        100 * health.growth_ratio(), 100 * health.drift_ratio()));
  PrintLine(terminal, "lists",
            fmt::format("the longest has {:.1f} times the mean, {:.2f} % of the rows are in long "
                        "ones, {:.2f} % are dead",
                        health.imbalance_ratio(), 100 * health.large_lists_ratio(),
                        100 * health.dead_ratio()));
}

std::string FieldText(const v1::PayloadField& field) {
  const std::string what = fmt::format("{}, {}", field.name(), FieldTypeName(field.type()));
  if (field.state() == v1::PayloadField::STATE_DROPPING) return what + ", is being removed";
  if (field.state() != v1::PayloadField::STATE_BUILDING) return what;
  return fmt::format("{}, is being indexed: {:.0f} % of the points", what,
                     100 * field.built_ratio());
}

std::string ServingText(const v1::Collection& collection) {
  return collection.serving_version().empty() ? "none: exact search" : collection.serving_version();
}

}  // namespace

void PrintCollection(const v1::Collection& collection, Terminal& terminal) {
  const absl::StatusOr<VectorSchema> schema = SchemaOf(collection);
  PrintLine(terminal, "collection", collection.collection());
  if (!collection.description().empty()) {
    PrintLine(terminal, "description", collection.description());
  }
  for (const std::string& alias : collection.aliases()) PrintLine(terminal, "alias", alias);
  PrintLine(terminal, "dimension", collection.dimension());
  PrintLine(terminal, "metric", schema.ok() ? NameOf(schema->metric) : "unknown");
  PrintLine(terminal, "dtype", schema.ok() ? NameOf(schema->element_type) : "unknown");
  PrintLine(terminal, "shards", collection.shards());
  for (const v1::PayloadField& field : collection.payload_fields()) {
    PrintLine(terminal, "payload field", FieldText(field));
  }
  PrintLine(terminal, "points", WithThousands(collection.points()));
  if (const uint64_t expected = collection.index().expected_points(); expected != 0) {
    PrintLine(terminal, "expected points", WithThousands(expected));
  }
  PrintLine(terminal, "indexed", WithThousands(collection.indexed_points()));
  PrintLine(terminal, "index version", ServingText(collection));
  PrintLine(terminal, "status", StatusName(collection.status()));
  for (const std::string& reason : collection.reasons()) PrintLine(terminal, "  because", reason);
  for (const v1::RecallPoint& point : collection.recall()) {
    PrintLine(terminal, "  recall@10",
              fmt::format("{:.4f} at nprobe {}, scanning {:.2f} % of the points, refining {}",
                          point.recall_at_10(), point.nprobe(), 100 * point.scanned_share(),
                          point.refine()));
  }
  if (collection.has_health()) PrintHealth(terminal, collection.health());
  PrintLine(terminal, "memory", "");
  PrintMemory(terminal, collection.memory());
  PrintLine(terminal, "disk", ShortBytes(collection.disk_bytes()));
  PrintLine(terminal, "incarnation", collection.incarnation());
}

void PrintCollectionTable(const v1::ListCollectionsResponse& collections, Terminal& terminal) {
  if (collections.collections().empty()) {
    terminal.out << "no collections; `kith collection create --help` shows how to make one\n";
    return;
  }
  Table table({"COLLECTION", "DIMENSION", "METRIC", "DTYPE", "SHARDS", "POINTS", "STATUS",
               "INDEX VERSION"});
  for (const v1::Collection& collection : collections.collections()) {
    const absl::StatusOr<VectorSchema> schema = SchemaOf(collection);
    table.Add({collection.collection(), std::to_string(collection.dimension()),
               schema.ok() ? std::string(NameOf(schema->metric)) : "unknown",
               schema.ok() ? std::string(NameOf(schema->element_type)) : "unknown",
               std::to_string(collection.shards()), WithThousands(collection.points()),
               std::string(StatusName(collection.status())), ServingText(collection)});
  }
  table.Print(terminal.out);
}

void PrintPlan(const v1::PlanCollectionResponse& plan, uint64_t points, Terminal& terminal) {
  PrintLine(terminal, "points", WithThousands(points));
  PrintLine(terminal, "lists", plan.lists());
  PrintLine(terminal, "subspaces", plan.subspaces());
  PrintLine(terminal, "plane B bytes", plan.plane_b_bytes());
  PrintLine(terminal, "training sample", WithThousands(plan.sample_points()));
  PrintLine(terminal, "memory", ShortBytes(plan.steady_bytes()));
  PrintMemory(terminal, plan.steady());
  PrintLine(terminal, "bytes per vector", fmt::format("{:.1f}", plan.bytes_per_vector()));
  PrintLine(terminal, "retrain peak", ShortBytes(plan.retrain_peak_bytes()));
  PrintLine(terminal, "disk", ShortBytes(plan.disk_bytes()));
  for (const std::string& sentence : plan.chosen()) PrintLine(terminal, "  chosen", sentence);
  PrintLine(terminal, "fits", plan.fits() ? "yes" : "no: " + plan.why_not());
}

}  // namespace kith::cli
