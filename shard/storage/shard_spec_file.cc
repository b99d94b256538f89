#include "shard/storage/shard_spec_file.h"

#include <fmt/format.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "shard/storage/checked_text.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/row_file.h"

namespace kith::storage {
namespace {

constexpr char kKind[] = "kith-shard-spec";

std::string SlotsToText(const std::vector<std::pair<uint32_t, uint32_t>>& slots) {
  std::string text;
  for (const auto& [begin, end] : slots) {
    text += fmt::format("{}{}-{}", text.empty() ? "" : ",", begin, end);
  }
  return text;
}

// Half-open ranges, ascending, without overlap.
absl::Status ParseSlots(const std::string& file, const std::string& text, ShardSpec& spec) {
  uint32_t after = 0;
  for (const auto& piece : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> ends = absl::StrSplit(piece, absl::MaxSplits('-', 1));
    uint32_t begin = 0;
    uint32_t end = 0;
    if (!absl::SimpleAtoi(ends.first, &begin) || !absl::SimpleAtoi(ends.second, &end) ||
        begin < after || end <= begin || end > limits::kSlots) {
      return CorruptFile(file, "its slots are not ascending ranges");
    }
    spec.slots.emplace_back(begin, end);
    after = end;
  }
  return absl::OkStatus();
}

// "name:type" with the type's number; the order is that of the fields' numbers. ":0": a free place.
std::string FieldsToText(const PayloadSchema& fields) {
  std::string text;
  for (const PayloadField& field : fields) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", field.name,
                        field.is_indexed() ? static_cast<uint32_t>(field.type) : 0);
  }
  return text;
}

absl::Status ParseFields(const std::string& file, const std::string& text, ShardSpec& spec) {
  for (const auto& piece : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(piece, absl::MaxSplits(':', 1));
    uint32_t type = 0;
    if (!absl::SimpleAtoi(parts.second, &type) || type > 255) {
      return CorruptFile(file, "a payload field has no type");
    }
    if (parts.first.empty() && type == 0) {
      spec.payload_fields.push_back({"", FieldType::kKeyword, FieldState::kFree});
    } else {
      spec.payload_fields.push_back({parts.first, static_cast<FieldType>(type)});
    }
  }
  if (CheckSchema(spec.payload_fields).ok()) return absl::OkStatus();
  return CorruptFile(file, "its payload fields are no such fields");
}

absl::Status ParseVectorKind(const std::string& file, const CheckedText& text, ShardSpec& spec) {
  KITH_ASSIGN_OR_RETURN(const uint64_t dimension, text.Number("dimension"));
  KITH_ASSIGN_OR_RETURN(const uint64_t metric, text.Number("metric"));
  KITH_ASSIGN_OR_RETURN(const uint64_t element_type, text.Number("element_type"));
  if (dimension == 0 || dimension > limits::kDimensionMax || metric < 1 || metric > 3 ||
      element_type < 1 || element_type > 3) {
    return CorruptFile(file, "dimension, metric or element_type is out of range");
  }
  spec.dimension = static_cast<uint32_t>(dimension);
  spec.metric = static_cast<Metric>(metric);
  spec.element_type = static_cast<ElementType>(element_type);
  return absl::OkStatus();
}

}  // namespace

std::string EncodeShardSpec(const NodeDirectory::ShardDirectory& shard) {
  CheckedText text(kKind);
  text.Put("shard", shard.spec.shard);
  text.Put("copy", shard.copy.ToString());
  text.Put("collection", shard.spec.collection);
  text.Put("incarnation", shard.spec.incarnation.ToString());
  text.Put("dimension", shard.spec.dimension);
  text.Put("metric", static_cast<uint64_t>(shard.spec.metric));
  text.Put("element_type", static_cast<uint64_t>(shard.spec.element_type));
  text.Put("slots", SlotsToText(shard.spec.slots));
  text.Put("payload_fields", FieldsToText(shard.spec.payload_fields));
  text.Put("row_extent_bits", shard.row_extent_bits);
  return text.Encode();
}

absl::StatusOr<NodeDirectory::ShardDirectory> ParseShardSpec(const std::string& file,
                                                             const std::string& bytes) {
  KITH_ASSIGN_OR_RETURN(const CheckedText text, CheckedText::Parse(kKind, file, bytes));
  NodeDirectory::ShardDirectory shard;
  KITH_ASSIGN_OR_RETURN(shard.spec.shard, text.Number("shard"));
  KITH_ASSIGN_OR_RETURN(shard.copy, text.Id("copy"));
  KITH_ASSIGN_OR_RETURN(shard.spec.collection, text.Text("collection"));
  KITH_ASSIGN_OR_RETURN(shard.spec.incarnation, text.Id("incarnation"));
  KITH_RETURN_IF_ERROR(ParseVectorKind(file, text, shard.spec));
  KITH_ASSIGN_OR_RETURN(const std::string slots, text.Text("slots"));
  KITH_RETURN_IF_ERROR(ParseSlots(file, slots, shard.spec));
  KITH_ASSIGN_OR_RETURN(const std::string fields, text.Text("payload_fields"));
  KITH_RETURN_IF_ERROR(ParseFields(file, fields, shard.spec));
  KITH_ASSIGN_OR_RETURN(const uint64_t extent_bits, text.Number("row_extent_bits"));
  if (extent_bits > kExtentBitsMax) return CorruptFile(file, "row_extent_bits is out of range");
  shard.row_extent_bits = static_cast<uint32_t>(extent_bits);
  return shard;
}

}  // namespace kith::storage
