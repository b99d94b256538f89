#include "shard/parts/field_states.h"

#include <algorithm>
#include <utility>

#include "common/base/byte_codec.h"
#include "common/base/byte_reader.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

constexpr uint8_t kFormat = 1;

absl::Status Corrupt() {
  return Error(
      absl::StatusCode::kDataLoss, reason::kCorruption,
      "the list of indexed fields in the state is damaged; restore this shard from another "
      "copy or a backup");
}

bool ReadPlace(ByteReader& in, FieldStates& states) {
  PayloadField field;
  field.name = in.Text();
  field.type = static_cast<FieldType>(in.U8());
  const auto state = in.U8();
  FieldBuild build;
  build.next = in.U32();
  build.end = in.U32();
  build.misfits = in.U64();
  if (in.U8() != 0) {
    const std::string_view key = in.Raw(PointKey::kSize);
    if (!key.empty()) build.first_misfit = PointKey::FromBytes(key.data());
  }
  field.state = static_cast<FieldState>(state);
  const bool is_known = field.is_indexed() || field.state == FieldState::kFree;
  const bool is_built = field.state == FieldState::kBuilding && build.is_through();
  if (is_built && build.misfits == 0) field.state = FieldState::kReady;
  states.schema.push_back(std::move(field));
  states.builds.push_back(build);
  return is_known && build.next <= build.end;
}

}  // namespace

FieldStates FieldStates::Created(const PayloadSchema& fields) {
  FieldStates states;
  states.schema = fields;
  states.builds.resize(fields.size());
  return states;
}

std::optional<uint16_t> FieldStates::FindState(FieldState state) const {
  const auto found = std::find_if(schema.begin(), schema.end(),
                                  [&](const PayloadField& field) { return field.state == state; });
  if (found == schema.end()) return std::nullopt;
  return static_cast<uint16_t>(found - schema.begin());
}

std::optional<uint16_t> FieldStates::FindUnbuilt() const {
  for (size_t i = 0; i < schema.size(); ++i) {
    if (schema[i].state == FieldState::kBuilding && !builds[i].is_through()) {
      return static_cast<uint16_t>(i);
    }
  }
  return std::nullopt;
}

std::optional<uint16_t> FieldStates::FindBuilt() const {
  for (size_t i = 0; i < schema.size(); ++i) {
    const bool is_built = schema[i].state == FieldState::kBuilding && builds[i].is_through();
    if (is_built && builds[i].misfits == 0) return static_cast<uint16_t>(i);
  }
  return std::nullopt;
}

std::vector<FieldStat> FieldStates::Stats() const {
  std::vector<FieldStat> stats;
  for (size_t i = 0; i < schema.size(); ++i) {
    FieldStat& stat = stats.emplace_back();
    stat.name = schema[i].name;
    stat.type = schema[i].type;
    stat.state = schema[i].state;
    stat.built_rows = builds[i].next;
    stat.total_rows = builds[i].end;
    stat.misfits = builds[i].misfits;
    if (builds[i].first_misfit) stat.first_misfit = std::string(builds[i].first_misfit->view());
  }
  return stats;
}

FieldStates ChangedFields(const FieldStates& now, const SetFieldsCall& wanted, uint32_t row_end) {
  FieldStates next = now;
  const size_t places = std::max(now.schema.size(), wanted.fields.size());
  next.schema.resize(places, {"", FieldType::kKeyword, FieldState::kFree});
  next.builds.resize(places);
  const auto want = [&](size_t i) {
    return i < wanted.fields.size() && wanted.fields[i].is_indexed() ? &wanted.fields[i] : nullptr;
  };
  for (size_t i = 0; i < places; ++i) {
    PayloadField& field = next.schema[i];
    const PayloadField* const other = want(i);
    const bool stays = other != nullptr && field.name == other->name && field.type == other->type;
    if (!field.is_indexed() || stays) continue;
    field.state = FieldState::kDropping;
    next.builds[i] = {};
  }
  const auto must_wait = [&](size_t i) {
    return want(i) != nullptr && next.schema[i].state == FieldState::kDropping;
  };
  for (size_t i = 0; i < places; ++i) {
    if (must_wait(i)) return next;
  }
  for (size_t i = 0; i < places; ++i) {
    if (want(i) == nullptr || next.schema[i].is_indexed()) continue;
    next.schema[i] = {want(i)->name, want(i)->type, FieldState::kBuilding};
    next.builds[i] = {0, row_end, 0, {}};
    next.schema[i].built_share = next.builds[i].share();
  }
  next.revision = wanted.revision;
  return next;
}

std::string EncodeFieldStates(const FieldStates& states) {
  std::string out;
  AppendLittleEndian(out, kFormat);
  AppendLittleEndian(out, states.revision);
  AppendLittleEndian(out, static_cast<uint32_t>(states.schema.size()));
  for (size_t i = 0; i < states.schema.size(); ++i) {
    const PayloadField& field = states.schema[i];
    const FieldBuild& build = states.builds[i];
    const FieldState state = field.is_indexed() ? field.state : FieldState::kFree;
    const std::string name = field.is_indexed() ? field.name : "";
    AppendLittleEndian(out, static_cast<uint32_t>(name.size()));
    out += name;
    AppendLittleEndian(out, static_cast<uint8_t>(field.type));
    AppendLittleEndian(out, static_cast<uint8_t>(state));
    AppendLittleEndian(out, build.next);
    AppendLittleEndian(out, build.end);
    AppendLittleEndian(out, build.misfits);
    AppendLittleEndian(out, static_cast<uint8_t>(build.first_misfit.has_value() ? 1 : 0));
    if (build.first_misfit.has_value()) out += build.first_misfit->view();
  }
  return out;
}

absl::StatusOr<FieldStates> DecodeFieldStates(std::string_view bytes) {
  ByteReader in(bytes);
  FieldStates states;
  if (in.U8() != kFormat) return Corrupt();
  states.revision = in.U64();
  const auto places = in.U32();
  if (places > limits::kPayloadFieldsMax) return Corrupt();
  for (uint32_t i = 0; i < places; ++i) {
    if (!ReadPlace(in, states)) return Corrupt();
    states.schema[i].built_share = states.builds[i].share();
  }
  if (!in.done() || !CheckSchema(states.schema).ok()) return Corrupt();
  return states;
}

}  // namespace kith::shard
