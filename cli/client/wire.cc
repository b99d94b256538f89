#include "cli/client/wire.h"

#include <absl/strings/numbers.h>
#include <fmt/format.h>

#include <cstring>

#include "cli/console/terminal.h"
#include "common/base/ids.h"
#include "common/base/status.h"

namespace kith::cli {

absl::StatusOr<v1::Metric> ParseMetric(std::string_view text) {
  if (text == "l2") return v1::METRIC_L2;
  if (text == "ip") return v1::METRIC_INNER_PRODUCT;
  if (text == "cosine") return v1::METRIC_COSINE;
  return UsageError("--metric", fmt::format("\"{}\" is none of l2, ip, cosine", text));
}

absl::StatusOr<v1::ElementType> ParseElementType(std::string_view text) {
  if (text == "f32") return v1::ELEMENT_TYPE_F32;
  if (text == "f16") return v1::ELEMENT_TYPE_F16;
  if (text == "u8") return v1::ELEMENT_TYPE_U8;
  return UsageError("--dtype", fmt::format("\"{}\" is none of f32, f16, u8", text));
}

absl::StatusOr<VectorSchema> SchemaOf(const v1::Collection& collection) {
  const int metric = collection.metric();
  const int type = collection.element_type();
  if (metric < 1 || metric > 3 || type < 1 || type > 3 || collection.dimension() == 0) {
    return absl::InternalError(
        fmt::format("the server describes collection {} with metric {}, element type {} and "
                    "dimension {}, which this program does not know: use the kith of that server",
                    collection.collection(), metric, type, collection.dimension()));
  }
  return VectorSchema{static_cast<ElementType>(type), static_cast<Metric>(metric),
                      collection.dimension()};
}

v1::PointId ToProto(const PointKey& key) {
  v1::PointId id;
  if (key.is_number()) {
    id.set_number(key.number());
  } else {
    id.set_uuid(key.uuid().data(), key.uuid().size());
  }
  return id;
}

std::string IdText(const v1::PointId& id) {
  if (id.id_case() == v1::PointId::kNumber) return std::to_string(id.number());
  if (id.uuid().size() == 16) return PointKeyToString(PointKey::FromUuid(id.uuid()));
  return "?";
}

Json IdJson(const v1::PointId& id) {
  if (id.id_case() == v1::PointId::kNumber) return id.number();
  return IdText(id);
}

absl::StatusOr<std::vector<float>> ParseNumbers(std::string_view text, std::string_view option) {
  constexpr std::string_view kBetween = " \t\r\n,[]";
  std::vector<float> numbers;
  size_t at = text.find_first_not_of(kBetween);
  while (at != std::string_view::npos) {
    const size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    const std::string word(text.substr(at, end - at));
    float number = 0;
    if (!absl::SimpleAtof(word, &number)) {
      return UsageError(option, fmt::format("\"{}\" (element {}) is no number", word.substr(0, 32),
                                            numbers.size()));
    }
    numbers.push_back(number);
    at = text.find_first_not_of(kBetween, end);
  }
  if (numbers.empty()) return UsageError(option, "there are no numbers in it");
  return numbers;
}

absl::StatusOr<v1::PointId> ParseId(std::string_view text) {
  const absl::StatusOr<PointKey> key = ParsePointKey(text);
  // A number is written in one way only: 010 may have been meant as 8.
  const bool padded = key.ok() && key->is_number() && text.size() > 1 && text[0] == '0';
  if (key.ok() && !padded) return ToProto(*key);
  return UsageError("ID", fmt::format("\"{}\" is neither a whole number from 0 to 2^64-1 in plain "
                                      "digits nor a UUID (8-4-4-4-12 hex digits)",
                                      text.substr(0, 64)));
}

absl::StatusOr<std::vector<float>> Elements(const v1::Vector& vector, ElementType type) {
  if (vector.data().empty()) {
    return std::vector<float>(vector.values().begin(), vector.values().end());
  }
  const size_t width = ElementSize(type);
  if (vector.data().size() % width != 0) {
    return absl::InternalError(fmt::format(
        "the server sent a vector of {} bytes, no multiple of {}", vector.data().size(), width));
  }
  std::vector<float> elements(vector.data().size() / width);
  for (size_t i = 0; i < elements.size(); ++i) {
    const char* at = vector.data().data() + i * width;
    if (type == ElementType::kU8) {
      elements[i] = static_cast<uint8_t>(*at);
    } else if (type == ElementType::kF16) {
      _Float16 half;
      std::memcpy(&half, at, 2);
      elements[i] = static_cast<float>(half);
    } else {
      std::memcpy(&elements[i], at, 4);
    }
  }
  return elements;
}

Json PayloadJson(const std::string& payload) {
  Json parsed = Json::parse(payload, nullptr, false);
  return parsed.is_discarded() ? Json(payload) : parsed;
}

}  // namespace kith::cli
