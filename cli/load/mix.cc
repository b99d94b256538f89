#include "cli/load/mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "cli/console/terminal.h"
#include "common/base/limits.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr double kSharesTolerance = 1e-3;
constexpr uint64_t kChoiceStream = 0x313;

struct KindRule {
  std::string_view name;
  CallKind kind;
  uint32_t items_max;  // 1: the kind takes no size
};
constexpr KindRule kRules[] = {{"search", CallKind::kSearch, 1},
                               {"search_batch", CallKind::kSearchBatch, limits::kQueriesMax},
                               {"upsert", CallKind::kUpsert, limits::kPointsPerCallMax}};

absl::Status BadPart(std::string_view part, std::string_view what) {
  return UsageError("--mix",
                    fmt::format("\"{}\": {}; write parts like search=0.9, search_batch:64=0.05 or "
                                "upsert:256=0.05, with commas between them",
                                part, what));
}

const KindRule* FindRule(std::string_view name) {
  for (const KindRule& rule : kRules) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

std::optional<uint32_t> WholeNumber(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

absl::StatusOr<MixPart> ParsePart(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return BadPart(text, "it has no =SHARE");
  const std::string_view call = text.substr(0, equals);
  const size_t colon = call.find(':');
  const KindRule* rule = FindRule(call.substr(0, colon));
  if (rule == nullptr) return BadPart(text, "there are search, search_batch and upsert");
  MixPart part;
  part.kind = rule->kind;
  if (rule->items_max > 1) {
    const auto items =
        colon == std::string_view::npos ? std::nullopt : WholeNumber(call.substr(colon + 1));
    if (!items || *items == 0 || *items > rule->items_max) {
      return BadPart(text, fmt::format("{} takes a size from 1 to {}, as in {}:64", rule->name,
                                       rule->items_max, rule->name));
    }
    part.items = *items;
  } else if (colon != std::string_view::npos) {
    return BadPart(text, "search is one query a call and takes no size (search_batch does)");
  }
  const std::string share(text.substr(equals + 1));
  if (!absl::SimpleAtod(share, &part.share) || !(part.share > 0) || !(part.share <= 1)) {
    return BadPart(text, "its share is no number above 0 and up to 1");
  }
  return part;
}

}  // namespace

std::string MixPart::Name() const {
  for (const KindRule& rule : kRules) {
    if (rule.kind != kind) continue;
    return rule.items_max > 1 ? fmt::format("{}:{}", rule.name, items) : std::string(rule.name);
  }
  return "unknown";
}

absl::StatusOr<std::vector<MixPart>> ParseMix(std::string_view text) {
  std::vector<MixPart> parts;
  double sum = 0;
  const std::vector<std::string> words = absl::StrSplit(std::string(text), ',');
  for (const std::string& word : words) {
    KITH_ASSIGN_OR_RETURN(MixPart part, ParsePart(word));
    for (const MixPart& other : parts) {
      if (other.Name() == part.Name()) return BadPart(word, "it is there twice");
    }
    sum += part.share;
    parts.push_back(std::move(part));
  }
  if (std::abs(sum - 1) > kSharesTolerance) {
    return UsageError("--mix", fmt::format("the shares sum to {:.4g}; they are parts of all calls "
                                           "and must sum to 1",
                                           sum));
  }
  return parts;
}

MixDraw::MixDraw(const std::vector<MixPart>& parts, uint64_t seed, uint64_t stream)
    : random_(seed, kChoiceStream, stream) {
  double below = 0;
  for (const MixPart& part : parts) share_below_.push_back(below += part.share);
}

size_t MixDraw::Next() {
  const double at = random_.Uniform() * share_below_.back();
  const auto found = std::upper_bound(share_below_.begin(), share_below_.end(), at);
  return std::min<size_t>(static_cast<size_t>(found - share_below_.begin()),
                          share_below_.size() - 1);
}

}  // namespace kith::cli
