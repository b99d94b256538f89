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
  // A field that the payload does not fit ends the parse, or is only noted.
  enum class Misfits { kRefused, kNoted };
  FieldListener(const PayloadSchema& schema, Misfits misfits) : schema_(schema), mode_(misfits) {}

  absl::Status status() const { return status_; }
  const std::bitset<limits::kPayloadFieldsMax>& misfits() const { return misfits_; }
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
    if (list_.has_value() && !WrongType(*list_, "an object in a list")) return false;
    if (depth_ == 1 && field_.has_value() && !WrongType(*field_, "an object")) return false;
    return Enter();
  }
  bool key(std::string& name) override {
    if (depth_ != 1) return true;
    field_ = FindField(schema_, name);
    if (!field_.has_value()) return true;
    if (seen_[*field_]) return Misfit(*field_, fmt::format("field {} comes twice", name));
    seen_[*field_] = true;
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ == 0) return NoObject();
    if (list_.has_value() && !WrongType(*list_, "a list in a list")) return false;
    if (depth_ == 1 && field_.has_value()) {
      const bool is_keyword = schema_[*field_].type == FieldType::kKeyword;
      if (!is_keyword && !WrongType(*field_, "a list")) return false;
      if (is_keyword) list_ = field_;
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
      return Misfit(*field,
                    fmt::format("field {} has {} bytes, at most {} of a keyword are indexed; leave "
                                "it out of the payload index or shorten it",
                                schema_[*field].name, encoded->size(), limits::kKeywordBytesMax));
    }
    if (list_.has_value() && ++listed_ > limits::kKeywordsPerFieldMax) {
      return Misfit(*field, fmt::format("field {} lists more than {} keywords",
                                        schema_[*field].name, limits::kKeywordsPerFieldMax));
    }
    values_.push_back({*field, *std::move(encoded)});
    return true;
  }

  bool WrongType(uint16_t field, std::string_view what) {
    return Misfit(
        field,
        fmt::format(
            "field {} holds {}, the collection indexes it as {}; send {} or leave it out",
            schema_[field].name, what, NameOf(schema_[field].type),
            schema_[field].type == FieldType::kInteger ? "an integer" : "a value of that type"));
  }
  bool NoObject() {
    return Refuse("is no JSON object; a collection with indexed fields takes JSON objects");
  }
  bool Misfit(uint16_t field, std::string_view message) {
    if (mode_ == Misfits::kRefused) return Refuse(message);
    misfits_.set(field);
    return true;
  }
  bool Refuse(std::string_view message) {
    status_ = Bad(message);
    return false;
  }

  const PayloadSchema& schema_;
  const Misfits mode_;
  absl::Status status_;
  std::bitset<limits::kPayloadFieldsMax> misfits_;
  std::vector<IndexedValue> values_;
  std::bitset<limits::kPayloadFieldsMax> seen_;
  std::optional<uint16_t> field_;  // of the key read last in the outermost object
  std::optional<uint16_t> list_;   // whose list of keywords is being read
  uint32_t listed_ = 0;
  uint32_t depth_ = 0;
};

// Ascending, each once.
std::vector<IndexedValue> Ordered(std::vector<IndexedValue> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace

absl::StatusOr<std::vector<IndexedValue>> ReadIndexedValues(std::string_view payload,
                                                            const PayloadSchema& schema) {
  if (payload.empty() || !HasIndexedFields(schema)) return std::vector<IndexedValue>();
  FieldListener listener(schema, FieldListener::Misfits::kRefused);
  if (!Json::sax_parse(payload.begin(), payload.end(), &listener)) {
    const absl::Status status = listener.status();
    return status.ok() ? Bad("is no valid JSON") : status;
  }
  return Ordered(listener.Take());
}

FittingValues ReadFittingValues(std::string_view payload, const PayloadSchema& schema) {
  FittingValues fitting;
  if (payload.empty() || !HasIndexedFields(schema)) return fitting;
  FieldListener listener(schema, FieldListener::Misfits::kNoted);
  if (!Json::sax_parse(payload.begin(), payload.end(), &listener)) {
    for (size_t i = 0; i < schema.size(); ++i) fitting.misfits[i] = schema[i].is_indexed();
    return fitting;
  }
  fitting.misfits = listener.misfits();
  fitting.values = Ordered(listener.Take());
  std::erase_if(fitting.values,
                [&](const IndexedValue& value) { return fitting.misfits[value.field]; });
  return fitting;
}

}  // namespace kith
