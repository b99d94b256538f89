#include "coordinator/admin/parameter_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/auto_remedies.h"

namespace kith::coordinator {
namespace {

using index::AutoChoice;
using index::AutoRequest;
using index::NodeShare;
using index::Room;

constexpr uint64_t kSampleMost = limits::kMessageBytesMax / sizeof(uint64_t) * 9 / 10;
constexpr uint64_t kSampleBytesMost = uint64_t{4} << 30;  // as floats

uint32_t Chosen(uint32_t asked, uint32_t record) { return asked != 0 ? asked : record; }

std::string Bytes(uint64_t bytes) {
  if (bytes < 10'000'000) return fmt::format("{} bytes", bytes);
  return fmt::format("{:.2f} GB", static_cast<double>(bytes) * 1e-9);
}

// What the next better shape would take, and does not find.
std::string RoomFor(const AutoRequest& request, std::span<const NodeShare> nodes,
                    const AutoChoice& choice, index::Rung better) {
  const AutoChoice other = index::Judge(request, index::ShapeOf(request, better), nodes);
  const bool again = choice.room == Room::kAgain;
  return fmt::format("a node would need {} {}, and {} are left",
                     Bytes(again ? other.rebuild_bytes : other.build_bytes),
                     again ? "while it is trained again beside itself" : "while it is trained",
                     Bytes(other.memory_bytes));
}

std::string ExplainLists(const AutoRequest& request, const AutoChoice& choice) {
  const uint32_t lists = choice.parameters.lists;
  if (request.lists != 0) return fmt::format("{} lists: as asked for", lists);
  const uint32_t wanted = index::WantedLists(request);
  const uint32_t best = index::AutoLists(request.points);
  if (lists < wanted) {
    return fmt::format(
        "{} lists instead of the {} that {} points would have: the training of more finds no room",
        lists, best, request.points);
  }
  if (wanted < best) {
    return fmt::format(
        "{} lists instead of the {} that the {} expected points would have: there are {} points to "
        "train on; train again when there are more",
        lists, best, request.points, request.points_to_train);
  }
  return fmt::format("{} lists: about 4 times the square root of {} points", lists, request.points);
}

std::string ExplainSubspaces(const AutoRequest& request, std::span<const NodeShare> nodes,
                             const AutoChoice& choice) {
  const index::IndexParameters& p = choice.parameters;
  if (request.subspaces != 0) return fmt::format("{} sub-spaces: as asked for", p.subspaces);
  const uint32_t best = index::AutoSubspaces(p.dimension);
  if (p.subspaces >= best) {
    return fmt::format("{} sub-spaces, a byte each: as is best for {} dimensions", p.subspaces,
                       p.dimension);
  }
  return fmt::format("{} sub-spaces instead of {}: for as many {}", p.subspaces, best,
                     RoomFor(request, nodes, choice, {true, 4}));
}

std::string ExplainPlaneB(const AutoRequest& request, std::span<const NodeShare> nodes,
                          const AutoChoice& choice) {
  const index::IndexParameters& p = choice.parameters;
  if (request.plane_b_bytes != 0) {
    return fmt::format("{} bytes of plane B: as asked for", p.plane_b_bytes);
  }
  if (p.plane_b_bytes < p.dimension) {
    return fmt::format("{} bytes of plane B for {} dimensions: for a byte each {}", p.plane_b_bytes,
                       p.dimension, RoomFor(request, nodes, choice, {false, 4}));
  }
  if (choice.memory_bytes == index::kUnlimitedBytes) {
    return fmt::format(
        "{} bytes of plane B, one a dimension: the nodes' memory is not known "
        "(limits.memory_mb)",
        p.plane_b_bytes);
  }
  return fmt::format("{} bytes of plane B, one a dimension: {} of the {} that are left",
                     p.plane_b_bytes, Bytes(choice.needed_bytes()), Bytes(choice.memory_bytes));
}

// What searches of SIFT (1,000,000 x 128 u8) came to at target recall 0.999, by how many quarters
// of index::AutoSubspaces the shape had; docs/decisions/0023 has the commands.
struct MeasuredRecall {
  uint32_t quarters;
  double recall;
};
constexpr MeasuredRecall kMeasured[] = {{4, 0.9952}, {3, 0.9958}, {2, 0.9858}};

}  // namespace

std::string KnownRecall(const index::IndexParameters& parameters, double target_recall) {
  const uint32_t best = index::AutoSubspaces(parameters.dimension);
  const uint32_t quarters = std::min(4u, 4 * parameters.subspaces / best);
  for (const auto& [measured_quarters, recall] : kMeasured) {
    if (measured_quarters != quarters || recall >= target_recall) continue;
    return fmt::format(
        "target recall {} may be out of reach: with {} of 16 sub-spaces and all of plane B, SIFT "
        "(1,000,000 x 128) came to {}; that is an estimate for other data, training measures it",
        target_recall, 4 * quarters, recall);
  }
  return {};
}

uint64_t SampleMost(uint32_t dimension) {
  return std::min(kSampleMost, kSampleBytesMost / (std::max(dimension, 1u) * sizeof(float)));
}

AutoRequest RequestOf(const CollectionRecord& record, const IndexChoice& choice,
                      uint64_t expected_points) {
  AutoRequest request;
  request.dimension = record.dimension;
  request.metric = record.metric;
  request.element_type = record.element_type;
  request.points = expected_points;
  request.lists = Chosen(choice.lists, record.lists);
  request.subspaces = Chosen(choice.subspaces, record.subspaces);
  request.plane_b_bytes = Chosen(choice.plane_b_bytes, record.plane_b_bytes);
  request.sample_most = SampleMost(record.dimension);
  return request;
}

std::vector<std::string> Explain(const AutoRequest& request, std::span<const NodeShare> nodes,
                                 const AutoChoice& choice) {
  std::vector<std::string> reasons{ExplainLists(request, choice),
                                   ExplainSubspaces(request, nodes, choice),
                                   ExplainPlaneB(request, nodes, choice)};
  if (choice.room == Room::kOnce) {
    reasons.push_back(fmt::format(
        "it can be trained once, in {}, but not again beside itself, which would take {} of a "
        "node: "
        "{} are left",
        Bytes(choice.build_bytes), Bytes(choice.rebuild_bytes), Bytes(choice.memory_bytes)));
  } else if (choice.room == Room::kNone) {
    reasons.push_back(
        fmt::format("{} points do not fit even so: a node would need {} while they are trained, "
                    "and {} are left",
                    request.points, Bytes(choice.build_bytes), Bytes(choice.memory_bytes)));
  }
  return reasons;
}

std::string WhyNoRoom(const AutoRequest& request, const NodeShare& fullest,
                      const AutoChoice& choice) {
  std::string text = fmt::format(
      "the fullest node needs {} bytes while it serves and {} while the index is trained, {} bytes "
      "more than the {} that it has: give each node as much more",
      choice.steady_bytes, choice.build_bytes, choice.short_bytes(), choice.memory_bytes);
  const uint64_t most = limits::kShardsMax / std::max<uint64_t>(fullest.shards, 1);
  if (const uint64_t factor = index::NodeFactorThatFits(request, fullest, most); factor > 1) {
    text += fmt::format(", or make it {} times as many nodes and shards", factor);
  }
  if (const uint64_t points = index::PointsThatFit(request, fullest); points != 0) {
    text += fmt::format(", or keep no more than about {} points", points);
  }
  if (const uint32_t dimension = index::DimensionThatFits(request, fullest);
      dimension * 4 >= request.dimension) {
    text += fmt::format(", or embed into {} dimensions", dimension);
  }
  return text;
}

absl::Status CheckExpectedPoints(const CollectionRecord& record, std::span<const NodeShare> nodes) {
  if (record.expected_points == 0 || nodes.empty()) return absl::OkStatus();
  const AutoRequest request = RequestOf(record, {}, record.expected_points);
  const AutoChoice choice = index::ChooseParameters(request, nodes);
  if (choice.room != Room::kNone) return absl::OkStatus();
  const NodeShare& fullest =
      *std::max_element(nodes.begin(), nodes.end(),
                        [](const NodeShare& a, const NodeShare& b) { return a.points < b.points; });
  return Error(absl::StatusCode::kResourceExhausted, reason::kMemoryLimit,
               fmt::format("collection {} of {} points finds no room: {}", record.name,
                           record.expected_points, WhyNoRoom(request, fullest, choice)),
               {{kFieldFact, "index.expected_points"},
                {"steady_bytes", fmt::format("{}", choice.steady_bytes)},
                {"peak_bytes", fmt::format("{}", choice.build_bytes)},
                {"short_bytes", fmt::format("{}", choice.short_bytes())}});
}

}  // namespace kith::coordinator
