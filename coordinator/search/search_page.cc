#include "coordinator/search/search_page.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "absl/strings/escaping.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/search_limits.h"
#include "common/base/status.h"
#include "coordinator/search/query_examples.h"

namespace kith::coordinator {
namespace {

constexpr uint8_t kVersion = 1;

absl::Status BadPageToken(std::string_view what) {
  return FieldError("page_token", reason::kBadPageToken,
                    fmt::format("{}; begin again without one", what));
}

uint64_t HashOf(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

// What was named and what was not are different parameters.
template <typename Value>
std::string Named(const std::optional<Value>& value) {
  return value.has_value() ? fmt::format("{};", *value) : ";";
}

std::string ParameterText(const SearchQuery& query) {
  const SearchParameters& p = query.parameters;
  return fmt::format("{};{};", p.limit.value_or(limits::kLimitDefault), p.exact) + Named(p.nprobe) +
         Named(p.target_recall) + Named(p.max_distance) + Named(p.min_score) + Named(p.refine) +
         Named(p.rerank) + Named(query.page_depth);
}

// Fixed little-endian fields, one after another.
class Packer {
 public:
  template <typename Value>
  void Put(const Value& value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void PutBytes(std::string_view bytes) { bytes_ += bytes; }
  std::string Take() {
    Put(HashOf(bytes_));
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
};

// Takes them again; whatever is missing makes the whole unreadable.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}

  template <typename Value>
  Value Get() {
    Value value{};
    const std::string_view bytes = GetBytes(sizeof(value));
    if (is_whole_) std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }
  std::string_view GetBytes(size_t count) {
    is_whole_ = is_whole_ && count <= bytes_.size();
    if (!is_whole_) return {};
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  bool is_read() const { return is_whole_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool is_whole_ = true;
};

void PutBinding(const PageBinding& binding, Packer& packer) {
  packer.PutBytes(binding.incarnation.view());
  packer.Put(binding.query);
  packer.Put(binding.filter);
  packer.Put(binding.parameters);
}

absl::Status CheckBinding(const PageBinding& of, const PageBinding& wanted) {
  if (of.incarnation != wanted.incarnation) {
    return BadPageToken("is of another collection, or of an earlier one of that name");
  }
  if (of.query != wanted.query)
    return BadPageToken("is of another query (or its point has changed)");
  if (of.filter != wanted.filter) return BadPageToken("is of another filter");
  if (of.parameters != wanted.parameters) {
    return BadPageToken(
        "is of other parameters: limit, range, how deep to look and page_depth stay");
  }
  return absl::OkStatus();
}

// A token is no secret: what somebody makes by hand may ask for no more than a request may.
bool IsWithinLimits(const SearchPage& page) {
  const uint8_t kind = page.last.key.bytes[0];
  return (kind == PointKey::kNumber || kind == PointKey::kUuid) && !std::isnan(page.last.score) &&
         page.nprobe >= 1 && page.nprobe <= limits::kNprobeMax &&
         page.refine <= limits::kRefineMax && page.rerank <= limits::kRerankMax &&
         page.stop_ratio >= 0 && std::isfinite(page.stop_ratio) &&
         page.completeness >= Completeness::kExact && page.completeness <= Completeness::kDepth &&
         page.is_flat == page.index_version.empty();
}

}  // namespace

PageBinding BindingOf(const CollectionRecord& record, const SearchQuery& query,
                      std::string_view vectors) {
  PageBinding binding;
  binding.incarnation = record.incarnation;
  std::string asked(vectors);
  for (const PointKey& key : PointsOf(query)) asked += key.view();
  binding.query = HashOf(asked);
  if (query.parameters.filter != nullptr) {
    binding.filter = HashOf(FilterBytes(*query.parameters.filter));
  }
  binding.parameters = HashOf(ParameterText(query));
  return binding;
}

std::string SearchPageToken(const PageBinding& binding, const SearchPage& page) {
  Packer packer;
  packer.Put(kVersion);
  PutBinding(binding, packer);
  packer.Put(page.last.score);
  packer.PutBytes(page.last.key.view());
  packer.Put(page.completeness);
  packer.Put(page.nprobe);
  packer.Put(page.refine);
  packer.Put(page.rerank);
  packer.Put(page.stop_ratio);
  packer.Put(static_cast<uint8_t>(page.index_version.size()));
  packer.PutBytes(page.index_version);
  std::string token;
  absl::WebSafeBase64Escape(ToAbsl(packer.Take()), &token);
  return token;
}

absl::StatusOr<SearchPage> PageOf(std::string_view token, const PageBinding& binding) {
  std::string bytes;
  if (token.size() > limits::kPageTokenBytesMax ||
      !absl::WebSafeBase64Unescape(ToAbsl(token), &bytes) || bytes.size() < sizeof(uint64_t)) {
    return BadPageToken("is no page token of a search");
  }
  const size_t checked = bytes.size() - sizeof(uint64_t);
  Unpacker check(std::string_view(bytes).substr(checked));
  if (check.Get<uint64_t>() != HashOf(std::string_view(bytes).substr(0, checked))) {
    return BadPageToken("is no page token of a search, or was changed");
  }
  Unpacker unpacker(std::string_view(bytes).substr(0, checked));
  if (unpacker.Get<uint8_t>() != kVersion)
    return BadPageToken("is of another version of this server");
  PageBinding of;
  const std::string_view incarnation = unpacker.GetBytes(of.incarnation.bytes.size());
  std::copy(incarnation.begin(), incarnation.end(), of.incarnation.bytes.begin());
  of.query = unpacker.Get<uint64_t>();
  of.filter = unpacker.Get<uint64_t>();
  of.parameters = unpacker.Get<uint64_t>();
  KITH_RETURN_IF_ERROR(CheckBinding(of, binding));
  SearchPage page;
  page.last.score = unpacker.Get<float>();
  page.last.key = unpacker.Get<PointKey>();
  page.completeness = unpacker.Get<Completeness>();
  page.nprobe = unpacker.Get<uint32_t>();
  page.refine = unpacker.Get<uint32_t>();
  page.rerank = unpacker.Get<uint32_t>();
  page.stop_ratio = unpacker.Get<float>();
  page.index_version = unpacker.GetBytes(unpacker.Get<uint8_t>());
  page.is_flat = page.index_version.empty();
  if (!unpacker.is_read() || !IsWithinLimits(page)) return BadPageToken("was changed");
  return page;
}

absl::Status ContinueFrom(const SearchPage& page, SearchPlan& plan) {
  const auto& versions = plan.entry->record.versions;
  const bool is_held = page.is_flat || page.index_version == plan.entry->record.serving_version ||
                       std::any_of(versions.begin(), versions.end(), [&](const auto& held) {
                         return held.version == page.index_version;
                       });
  if (!is_held) return BadPageToken("is of an index version that is not held any more");
  plan.call.after = page.last;
  plan.call.index_version = page.index_version;
  plan.is_flat = page.is_flat;
  plan.flat_reason = page.is_flat ? "so did the first page" : "";
  plan.widens_range = false;
  plan.is_recall_reached.reset();
  plan.target_recall.reset();
  plan.call.nprobe = page.nprobe;
  plan.call.refine = page.refine;
  plan.call.rerank = page.rerank;
  plan.call.stop_ratio = page.stop_ratio;
  return absl::OkStatus();
}

SearchPage NextPage(const SearchPlan& plan, const HitPlace& last, Completeness completeness) {
  const SearchCall& call = plan.call;
  return {last,        plan.is_flat, call.index_version, std::max(1u, call.nprobe),
          call.refine, call.rerank,  call.stop_ratio,    completeness};
}

}  // namespace kith::coordinator
