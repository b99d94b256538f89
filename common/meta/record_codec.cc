#include "common/meta/record_codec.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>

#include "common/base/byte_reader.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith {
namespace {

constexpr uint8_t kFormat = 6;
constexpr uint8_t kFieldStatesFormat = 6;  // before it every field was ready
constexpr uint8_t kOldestFormat = 4;       // knew no description
constexpr uint8_t kAliasesFormat = 1;

class Writer {
 public:
  void U8(uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void U32(uint32_t value) { Fixed(value, 4); }
  void U64(uint64_t value) { Fixed(value, 8); }
  void F64(double value) { Fixed(std::bit_cast<uint64_t>(value), 8); }
  void Text(std::string_view text) {
    U32(static_cast<uint32_t>(text.size()));
    bytes_.append(text);
  }
  void Raw(std::string_view raw) { bytes_.append(raw); }
  std::string& bytes() { return bytes_; }

 private:
  void Fixed(uint64_t value, int width) {
    for (int i = 0; i < width; ++i) U8(static_cast<uint8_t>(value >> (8 * i)));
  }
  std::string bytes_;
};

void WriteShard(Writer& out, const ShardPlacement& shard) {
  out.U64(shard.shard);
  out.Text(shard.node);
  out.U32(static_cast<uint32_t>(shard.slots.size()));
  for (const auto& [begin, end] : shard.slots) {
    out.U32(begin);
    out.U32(end);
  }
}

ShardPlacement ReadShard(ByteReader& in) {
  ShardPlacement shard;
  shard.shard = in.U64();
  shard.node = in.Text();
  const uint32_t ranges = in.Count(8);
  for (uint32_t i = 0; i < ranges; ++i) {
    const uint32_t begin = in.U32();
    shard.slots.emplace_back(begin, in.U32());
  }
  return shard;
}

void WriteFields(Writer& out, const PayloadSchema& fields) {
  out.U32(static_cast<uint32_t>(fields.size()));
  for (const PayloadField& field : fields) {
    out.Text(field.name);
    out.U8(static_cast<uint8_t>(field.type));
    out.U8(static_cast<uint8_t>(field.state));
  }
}

PayloadSchema ReadFields(ByteReader& in, uint8_t format) {
  PayloadSchema fields;
  const uint32_t count = in.Count(5);
  for (uint32_t i = 0; i < count; ++i) {
    std::string name = in.Text();
    PayloadField& field = fields.emplace_back();
    field.name = std::move(name);
    field.type = static_cast<FieldType>(in.U8());
    if (format >= kFieldStatesFormat) field.state = static_cast<FieldState>(in.U8());
  }
  return fields;
}

void WriteRecall(Writer& out, const RecallMeasure& measure) {
  out.U32(measure.nprobe);
  out.F64(measure.recall_at_10);
  out.F64(measure.scanned_share);
  out.F64(measure.recall_low);
  out.U32(measure.refine);
  out.F64(measure.stop_ratio);
}

RecallMeasure ReadRecall(ByteReader& in) {
  RecallMeasure measure;
  measure.nprobe = in.U32();
  measure.recall_at_10 = in.F64();
  measure.scanned_share = in.F64();
  measure.recall_low = in.F64();
  measure.refine = in.U32();
  measure.stop_ratio = in.F64();
  return measure;
}

void WriteCurve(Writer& out, const std::vector<RecallMeasure>& curve) {
  out.U32(static_cast<uint32_t>(curve.size()));
  for (const RecallMeasure& measure : curve) WriteRecall(out, measure);
}

std::vector<RecallMeasure> ReadCurve(ByteReader& in) {
  std::vector<RecallMeasure> curve;
  const uint32_t measures = in.Count(40);
  for (uint32_t i = 0; i < measures; ++i) curve.push_back(ReadRecall(in));
  return curve;
}

void WriteVersion(Writer& out, const IndexVersionRecord& version) {
  out.Text(version.version);
  out.U32(version.lists);
  out.U32(version.subspaces);
  out.U32(version.plane_b_bytes);
  out.F64(version.target_recall);
  out.U64(version.trained_points);
  out.U64(version.trained_unix_ms);
  WriteCurve(out, version.recall);
  out.U8(version.comparison.has_value() ? 1 : 0);
  if (!version.comparison.has_value()) return;
  const RecallComparison& comparison = *version.comparison;
  out.Text(comparison.serving_version);
  out.F64(comparison.target_recall);
  WriteRecall(out, comparison.trained);
  WriteRecall(out, comparison.serving);
  out.F64(comparison.recall_gain);
  out.F64(comparison.tolerance);
}

IndexVersionRecord ReadVersion(ByteReader& in) {
  IndexVersionRecord version;
  version.version = in.Text();
  version.lists = in.U32();
  version.subspaces = in.U32();
  version.plane_b_bytes = in.U32();
  version.target_recall = in.F64();
  version.trained_points = in.U64();
  version.trained_unix_ms = in.U64();
  version.recall = ReadCurve(in);
  if (in.U8() == 0) return version;
  RecallComparison& comparison = version.comparison.emplace();
  comparison.serving_version = in.Text();
  comparison.target_recall = in.F64();
  comparison.trained = ReadRecall(in);
  comparison.serving = ReadRecall(in);
  comparison.recall_gain = in.F64();
  comparison.tolerance = in.F64();
  return version;
}

void ReadShape(ByteReader& in, uint8_t format, CollectionRecord& record) {
  record.name = in.Text();
  const std::string_view incarnation = in.Raw(record.incarnation.bytes.size());
  std::copy(incarnation.begin(), incarnation.end(), record.incarnation.bytes.begin());
  record.state = static_cast<CollectionRecord::State>(in.U8());
  record.dimension = in.U32();
  record.metric = static_cast<Metric>(in.U8());
  record.element_type = static_cast<ElementType>(in.U8());
  record.lists = in.U32();
  record.subspaces = in.U32();
  record.plane_b_bytes = in.U32();
  record.trained_lists = in.U32();
  record.trained_subspaces = in.U32();
  record.trained_plane_b_bytes = in.U32();
  record.target_recall = in.F64();
  record.expected_points = in.U64();
  record.payload_fields = ReadFields(in, format);
  if (format >= kFieldStatesFormat) record.fields_revision = in.U64();
}

bool KnownEnums(const CollectionRecord& record) {
  const auto within = [](auto value, uint8_t last) {
    return static_cast<uint8_t>(value) >= 1 && static_cast<uint8_t>(value) <= last;
  };
  const bool known_fields =
      std::all_of(record.payload_fields.begin(), record.payload_fields.end(),
                  [&](const PayloadField& field) { return within(field.state, 4); });
  return known_fields && within(record.state, 4) && within(record.metric, 3) &&
         within(record.element_type, 3);
}

absl::Status Corrupt(std::string_view what) {
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("a collection's metadata record is damaged: {}; restore the "
                           "coordinator's meta directory from a backup",
                           what));
}

absl::Status UnknownFormat(uint8_t format, uint8_t known) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kFormatVersion,
               fmt::format("a metadata record has format {}, this kith reads {}; start the version "
                           "that wrote it",
                           format, known));
}

// Without the checksum at its end, which fits; a format byte at least.
absl::StatusOr<std::string_view> CheckedBody(std::string_view bytes) {
  if (bytes.size() < 9) return Corrupt("too short");
  const std::string_view body = bytes.substr(0, bytes.size() - 8);
  ByteReader tail(bytes.substr(body.size()));
  if (tail.U64() != XXH3_64bits(body.data(), body.size())) return Corrupt("checksum mismatch");
  return body;
}

}  // namespace

std::string EncodeCollectionRecord(const CollectionRecord& record) {
  Writer out;
  out.U8(kFormat);
  out.Text(record.name);
  out.Raw(record.incarnation.view());
  out.U8(static_cast<uint8_t>(record.state));
  out.U32(record.dimension);
  out.U8(static_cast<uint8_t>(record.metric));
  out.U8(static_cast<uint8_t>(record.element_type));
  out.U32(record.lists);
  out.U32(record.subspaces);
  out.U32(record.plane_b_bytes);
  out.U32(record.trained_lists);
  out.U32(record.trained_subspaces);
  out.U32(record.trained_plane_b_bytes);
  out.F64(record.target_recall);
  out.U64(record.expected_points);
  WriteFields(out, record.payload_fields);
  out.U64(record.fields_revision);
  out.Text(record.serving_version);
  out.Text(record.previous_version);
  WriteCurve(out, record.recall);
  out.U32(static_cast<uint32_t>(record.versions.size()));
  for (const IndexVersionRecord& version : record.versions) WriteVersion(out, version);
  out.U32(static_cast<uint32_t>(record.shards.size()));
  for (const ShardPlacement& shard : record.shards) WriteShard(out, shard);
  out.U64(record.created_unix_ms);
  out.Text(record.description);
  out.U64(record.revision);
  out.U64(XXH3_64bits(out.bytes().data(), out.bytes().size()));
  return std::move(out.bytes());
}

absl::StatusOr<CollectionRecord> DecodeCollectionRecord(std::string_view bytes) {
  KITH_ASSIGN_OR_RETURN(const std::string_view body, CheckedBody(bytes));
  ByteReader in(body);
  const uint8_t format = in.U8();
  if (format < kOldestFormat || format > kFormat) return UnknownFormat(format, kFormat);
  CollectionRecord record;
  ReadShape(in, format, record);
  record.serving_version = in.Text();
  record.previous_version = in.Text();
  record.recall = ReadCurve(in);
  const uint32_t versions = in.Count(45);
  for (uint32_t i = 0; i < versions; ++i) record.versions.push_back(ReadVersion(in));
  const uint32_t shards = in.Count(16);
  for (uint32_t i = 0; i < shards; ++i) record.shards.push_back(ReadShard(in));
  record.created_unix_ms = in.U64();
  if (format > kOldestFormat) record.description = in.Text();
  record.revision = in.U64();
  if (!in.done()) return Corrupt("its lengths do not add up");
  if (!KnownEnums(record)) return Corrupt("an unknown state, metric or element type");
  if (!CheckSchema(record.payload_fields).ok()) return Corrupt("a payload field that is none");
  return record;
}

std::string EncodeAliases(const Aliases& aliases) {
  Writer out;
  out.U8(kAliasesFormat);
  out.U32(static_cast<uint32_t>(aliases.size()));
  for (const auto& [alias, collection] : aliases) {
    out.Text(alias);
    out.Text(collection);
  }
  out.U64(XXH3_64bits(out.bytes().data(), out.bytes().size()));
  return std::move(out.bytes());
}

absl::StatusOr<Aliases> DecodeAliases(std::string_view bytes) {
  KITH_ASSIGN_OR_RETURN(const std::string_view body, CheckedBody(bytes));
  ByteReader in(body);
  const uint8_t format = in.U8();
  if (format != kAliasesFormat) return UnknownFormat(format, kAliasesFormat);
  Aliases aliases;
  const uint32_t count = in.Count(8);
  for (uint32_t i = 0; i < count; ++i) {
    std::string alias = in.Text();
    const bool ascends = aliases.empty() || aliases.rbegin()->first < alias;
    if (!ascends) return Corrupt("its aliases are in no order");
    aliases[std::move(alias)] = in.Text();
  }
  if (!in.done()) return Corrupt("its lengths do not add up");
  return aliases;
}

}  // namespace kith
