#include "common/payload/payload_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/field_value.h"

namespace kith {
namespace {

using Json = nlohmann::json;

absl::Status Bad(std::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadPayload, message);
}

// Hears the payload event by event and keeps what belongs to indexed fields: nothing is built of
// the rest. Its methods are nlohmann's interface: false ends the parse.
class FieldListener final : public nlohmann::json_sax<Json> {
 public:
  explicit FieldListener(const PayloadSchema& schema) : schema_(schema) {}

  absl::Status status() const { return status_; }
  std::vector<IndexedValue> Take() { return std::move(values_); }

  bool null() override {
    if (list_.has_value()) return WrongType(*list_, "null in a list");
    return depth_ > 0 || NoObject();
  }
  bool boolean(bool value) override { return Value(value, "a boolean"); }
  bool number_integer(int64_t value) override { return Value(value, "a whole number"); }
  bool number_unsigned(uint64_t value) override {
    if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return Value(static_cast<int64_t>(value), "a whole number");
    }
    return Value(static_cast<double>(value), "a number above 2^63");
  }
  bool number_float(double value, const std::string&) override {
    return Value(value, "a number that is not whole");
  }
  bool string(std::string& value) override { return Value(std::move(value), "a string"); }
  bool binary(Json::binary_t&) override { return NoObject(); }

  bool start_object(std::size_t) override {
    if (list_.has_value()) return WrongType(*list_, "an object in a list");
    if (depth_ == 1 && field_.has_value()) return WrongType(*field_, "an object");
    return Enter();
  }
  bool key(std::string& name) override {
    if (depth_ != 1) return true;
    field_ = FindField(schema_, name);
    if (!field_.has_value()) return true;
    if (seen_[*field_]) return Refuse(fmt::format("field {} comes twice", name));
    seen_[*field_] = true;
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ == 0) return NoObject();
    if (list_.has_value()) return WrongType(*list_, "a list in a list");
    if (depth_ == 1 && field_.has_value()) {
      if (schema_[*field_].type != FieldType::kKeyword) return WrongType(*field_, "a list");
      list_ = field_;
      listed_ = 0;
    }
    return Enter();
  }
  bool end_array() override {
    if (--depth_ == 1) list_.reset();
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Refuse(
        fmt::format("is no valid JSON at byte {}; a collection with indexed fields takes "
                    "JSON objects",
                    position));
  }

 private:
  bool Enter() {
    if (++depth_ <= limits::kPayloadDepthMax) return true;
    return Refuse(fmt::format("is nested more than {} deep", limits::kPayloadDepthMax));
  }

  bool Value(FieldValue value, std::string_view what) {
    if (depth_ == 0) return NoObject();
    const std::optional<uint16_t> field = list_.has_value() ? list_ : field_;
    const bool is_indexed = field.has_value() && depth_ == (list_.has_value() ? 2u : 1u);
    if (!is_indexed) return true;
    std::optional<std::string> encoded = EncodeAs(schema_[*field].type, value);
    if (!encoded.has_value()) return WrongType(*field, what);
    if (encoded->size() > limits::kKeywordBytesMax) {
      return Refuse(
          fmt::format("field {} has {} bytes, at most {} of a keyword are indexed; leave "
                      "it out of the payload index or shorten it",
                      schema_[*field].name, encoded->size(), limits::kKeywordBytesMax));
    }
    if (list_.has_value() && ++listed_ > limits::kKeywordsPerFieldMax) {
      return Refuse(fmt::format("field {} lists more than {} keywords", schema_[*field].name,
                                limits::kKeywordsPerFieldMax));
    }
    values_.push_back({*field, *std::move(encoded)});
    return true;
  }

  bool WrongType(uint16_t field, std::string_view what) {
    return Refuse(fmt::format(
        "field {} holds {}, the collection indexes it as {}; send {} or "
        "leave it out",
        schema_[field].name, what, NameOf(schema_[field].type),
        schema_[field].type == FieldType::kInteger ? "an integer" : "a value of that type"));
  }
  bool NoObject() {
    return Refuse("is no JSON object; a collection with indexed fields takes JSON objects");
  }
  bool Refuse(std::string_view message) {
    status_ = Bad(message);
    return false;
  }

  const PayloadSchema& schema_;
  absl::Status status_;
  std::vector<IndexedValue> values_;
  std::bitset<limits::kPayloadFieldsMax> seen_;
  std::optional<uint16_t> field_;  // of the key read last in the outermost object
  std::optional<uint16_t> list_;   // whose list of keywords is being read
  uint32_t listed_ = 0;
  uint32_t depth_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<IndexedValue>> ReadIndexedValues(std::string_view payload,
                                                            const PayloadSchema& schema) {
  if (payload.empty() || schema.empty()) return std::vector<IndexedValue>();
  FieldListener listener(schema);
  if (!Json::sax_parse(payload.begin(), payload.end(), &listener)) {
    const absl::Status status = listener.status();
    return status.ok() ? Bad("is no valid JSON") : status;
  }
  std::vector<IndexedValue> values = listener.Take();
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace kith
