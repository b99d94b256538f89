#include "cli/data/jsonl_reader.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <span>
#include <utility>

#include "absl/strings/escaping.h"
#include "cli/data/payload_text.h"
#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kBadJson[] = "BAD_JSON";
constexpr char kLineTooLong[] = "LINE_TOO_LONG";

struct ParsedRow {
  PointKey key;
  std::vector<float> vector;
  std::string payload;
};

absl::Status LineError(std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::StatusOr<PointKey> ReadId(const Json& row) {
  const auto id = row.find("id");
  if (id == row.end()) return LineError(reason::kBadId, "there is no \"id\"");
  if (id->is_number_unsigned()) return PointKey::FromNumber(id->get<uint64_t>());
  if (id->is_string()) {
    KITH_ASSIGN_OR_RETURN(const Uuid uuid, Uuid::Parse(id->get_ref<const std::string&>()));
    return PointKey::FromUuid(uuid.view());
  }
  return LineError(reason::kBadId, "\"id\" is neither a whole number from 0 to 2^64-1 nor a UUID");
}

absl::Status ReadVector(const Json& row, uint32_t dimension, std::vector<float>& vector) {
  const auto found = row.find("vector");
  if (found == row.end() || !found->is_array()) {
    return LineError(reason::kBadVector, "there is no \"vector\" with an array of numbers");
  }
  if (found->size() != dimension) {
    return LineError(reason::kDimensionMismatch,
                     fmt::format("the vector has {} elements, the collection has dimension {}",
                                 found->size(), dimension));
  }
  for (const Json& element : *found) {
    if (!element.is_number()) {
      return LineError(reason::kBadVector,
                       fmt::format("element {} of the vector is no number", vector.size()));
    }
    vector.push_back(static_cast<float>(element.get<double>()));
  }
  return absl::OkStatus();
}

absl::Status ReadPayload(const Json& row, std::string& payload) {
  const auto found = row.find("payload");
  const auto encoded = row.find("payload_base64");
  if (found != row.end() && encoded != row.end()) {
    return LineError(kBadJson, "there are both \"payload\" and \"payload_base64\"; leave one out");
  }
  if (encoded != row.end()) {
    const bool decoded = encoded->is_string() &&
                         absl::Base64Unescape(encoded->get_ref<const std::string&>(), &payload);
    if (!decoded) return LineError(kBadJson, "\"payload_base64\" is no string of base64");
  }
  if (found != row.end()) payload = PayloadText(*found);
  if (payload.size() <= limits::kPayloadBytesMax) return absl::OkStatus();
  return LineError(reason::kPayloadTooLarge,
                   fmt::format("the payload has {} bytes, at most {} are allowed", payload.size(),
                               limits::kPayloadBytesMax));
}

absl::Status CheckMembers(const Json& row) {
  for (const auto& [name, value] : row.items()) {
    if (name == "id" || name == "vector" || name == "payload" || name == "payload_base64") continue;
    return LineError(kBadJson,
                     fmt::format("unknown member \"{}\"; allowed are id, vector, payload, "
                                 "payload_base64",
                                 name.substr(0, 64)));
  }
  return absl::OkStatus();
}

// `id` is set as soon as it is known, for the rejects file.
absl::StatusOr<ParsedRow> ParseRow(std::string_view line, uint32_t dimension, std::string& id) {
  if (NestsDeeper(line, kNestingMax)) {
    return LineError(kBadJson, fmt::format("the line nests deeper than {} levels", kNestingMax));
  }
  if (HasMoreMembers(line, kMembersMax)) {
    return LineError(kBadJson, fmt::format("the line has more than {} members", kMembersMax));
  }
  const Json row = Json::parse(line, nullptr, false);
  if (row.is_discarded()) return LineError(kBadJson, "the line is not valid JSON");
  if (!row.is_object()) return LineError(kBadJson, "the line is not a JSON object");
  ParsedRow parsed;
  KITH_ASSIGN_OR_RETURN(parsed.key, ReadId(row));
  id = PointKeyToString(parsed.key);
  KITH_RETURN_IF_ERROR(CheckMembers(row));
  parsed.vector.reserve(dimension);
  KITH_RETURN_IF_ERROR(ReadVector(row, dimension, parsed.vector));
  KITH_RETURN_IF_ERROR(ReadPayload(row, parsed.payload));
  return parsed;
}

void Append(ParsedRow row, uint64_t number, RowBatch& batch) {
  const auto bytes = std::as_bytes(std::span(row.vector));
  batch.vectors.insert(batch.vectors.end(), bytes.begin(), bytes.end());
  batch.keys.push_back(row.key);
  batch.payloads.push_back(std::move(row.payload));
  batch.row_numbers.push_back(number);
}

}  // namespace

absl::StatusOr<std::unique_ptr<VectorReader>> JsonlReader::Open(ReadOnlyFile file,
                                                                uint32_t dimension) {
  if (file.size() == 0) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
                 fmt::format("{}: the file is empty", file.path()));
  }
  FileShape shape;
  shape.format = "jsonl";
  shape.element_type = ElementType::kF32;
  shape.dimension = dimension;
  shape.bytes = file.size();
  return std::unique_ptr<VectorReader>(new JsonlReader(std::move(file), std::move(shape)));
}

absl::Status JsonlReader::Seek(FilePosition position) {
  if (position.byte > shape_.bytes) {
    return Error(absl::StatusCode::kOutOfRange, reason::kBadRequest,
                 fmt::format("{}: there is no byte {}, it has {}", lines_.file().path(),
                             position.byte, shape_.bytes));
  }
  lines_.Seek(position.byte);
  next_row_ = position.row;
  return absl::OkStatus();
}

absl::Status JsonlReader::Next(const BatchLimit& limit, RowBatch& batch) {
  batch.Clear();
  batch.begin = batch.end = {next_row_, lines_.offset()};
  size_t bytes = 0;
  // Empty lines count too, so that a call ends soon whatever the file holds.
  const uint64_t end_row = next_row_ + limit.rows;
  while (next_row_ < end_row && bytes < limit.bytes) {
    KITH_ASSIGN_OR_RETURN(const std::optional<LineScanner::Line> line, lines_.Next());
    if (!line.has_value()) break;
    const uint64_t number = next_row_++;
    batch.end = {next_row_, lines_.offset()};
    if (line->too_long) {
      batch.rejects.push_back(
          {number, "", kLineTooLong,
           fmt::format("the line is longer than {} bytes", LineScanner::kLineBytesMax)});
      continue;
    }
    if (line->text.find_first_not_of(" \t") == std::string_view::npos) continue;
    std::string id;
    absl::StatusOr<ParsedRow> row = ParseRow(line->text, shape_.dimension, id);
    if (row.ok()) {
      bytes += shape_.row_bytes() + row->payload.size();
      Append(*std::move(row), number, batch);
    } else {
      batch.rejects.push_back(
          {number, id, ReasonOf(row.status()), std::string(row.status().message())});
    }
  }
  return absl::OkStatus();
}

}  // namespace kith::cli
