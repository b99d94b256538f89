#include "cli/dataset/drawn_vectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "cli/console/json_output.h"
#include "cli/data/element_conversion.h"
#include "cli/data/output_file.h"
#include "cli/data/read_only_file.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr double kDeviations = 4;
constexpr char kFormat[] = "kith-generated-1";
constexpr uint64_t kDescriptionBytesMax = 64 << 10;
constexpr uint64_t kRowsMax = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kLatentMax = 1024;
constexpr uint64_t kClustersMax = 1 << 20;

absl::Status BadDescription(const std::string& path, std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("{}: {}; make it with `kith dataset make OUT --describe`", path, what));
}

// Reads members and remembers the first that makes no sense.
class Members {
 public:
  explicit Members(const Json& json) : json_(json) {}

  uint64_t Number(const char* name, uint64_t max) {
    const auto found = json_.find(name);
    if (found != json_.end() && found->is_number_unsigned()) {
      const auto value = found->get<uint64_t>();
      if (value >= 1 && value <= max) return value;
    }
    if (wrong_.empty()) wrong_ = fmt::format("\"{}\" must be a number from 1 to {}", name, max);
    return 1;
  }
  // Any value of 64 bits.
  uint64_t Seed(const char* name) {
    const auto found = json_.find(name);
    if (found != json_.end() && found->is_number_unsigned()) return found->get<uint64_t>();
    if (wrong_.empty()) wrong_ = fmt::format("\"{}\" must be a whole number", name);
    return 0;
  }
  double Noise(const char* name) {
    const auto found = json_.find(name);
    if (found != json_.end() && found->is_number() && found->get<double>() >= 0) {
      return found->get<double>();
    }
    if (wrong_.empty()) wrong_ = fmt::format("\"{}\" must be a number from 0", name);
    return 0;
  }
  std::string Text(const char* name) {
    const auto found = json_.find(name);
    return found != json_.end() && found->is_string() ? found->get<std::string>() : "";
  }
  const std::string& wrong() const { return wrong_; }

 private:
  const Json& json_;
  std::string wrong_;
};

absl::StatusOr<Json> ReadJson(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const ReadOnlyFile file, ReadOnlyFile::Open(path));
  if (file.size() > kDescriptionBytesMax) return BadDescription(path, "is no description");
  std::string text(file.size(), '\0');
  KITH_RETURN_IF_ERROR(file.ReadAt(0, std::as_writable_bytes(std::span(text))));
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return BadDescription(path, "is not a JSON object");
  return json;
}

}  // namespace

uint8_t ByteFromElement(float x, double scale) {
  const double byte = std::floor(128.5 + 127 / kDeviations * scale * double{x});
  return static_cast<uint8_t>(std::clamp(byte, 0.0, 255.0));
}

std::vector<std::byte> DrawElements(const ClusteredModel& model, const DrawnVectors& vectors,
                                    uint64_t chunk) {
  const uint64_t first = chunk * ClusteredModel::kChunkRows;
  const uint64_t rows = std::min(ClusteredModel::kChunkRows, vectors.rows - first);
  std::vector<float> floats(rows * model.dimension());
  model.DrawChunk(vectors.sequence, chunk, rows, floats.data());
  std::vector<std::byte> bytes(floats.size() * ElementSize(vectors.element_type));
  if (vectors.element_type != ElementType::kU8) {
    std::memcpy(bytes.data(), floats.data(), bytes.size());
    return bytes;
  }
  const double scale = std::sqrt(static_cast<double>(model.dimension()));
  for (size_t i = 0; i < floats.size(); ++i) {
    bytes[i] = static_cast<std::byte>(ByteFromElement(floats[i], scale));
  }
  return bytes;
}

absl::Status WriteDescription(const std::string& path, const DrawnVectors& vectors) {
  const Json json = {{"format", kFormat},
                     {"rows", vectors.rows},
                     {"dimension", vectors.model.dimension},
                     {"dtype", NameOf(vectors.element_type)},
                     {"sequence", vectors.sequence},
                     {"seed", vectors.model.seed},
                     {"latent", vectors.model.latent},
                     {"clusters", vectors.model.clusters},
                     {"noise", vectors.model.noise}};
  return WriteWholeFile(path, json.dump(2) + "\n");
}

absl::StatusOr<DrawnVectors> ReadDescription(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const Json json, ReadJson(path));
  Members members(json);
  if (members.Text("format") != kFormat) {
    return BadDescription(path, fmt::format("\"format\" is not \"{}\"", kFormat));
  }
  const std::string dtype = members.Text("dtype");
  if (dtype != "f32" && dtype != "u8") return BadDescription(path, "\"dtype\" is not f32 or u8");
  DrawnVectors vectors;
  vectors.element_type = dtype == "u8" ? ElementType::kU8 : ElementType::kF32;
  vectors.rows = members.Number("rows", kRowsMax);
  vectors.sequence = members.Seed("sequence");
  vectors.model.seed = members.Seed("seed");
  vectors.model.noise = members.Noise("noise");
  vectors.model.dimension =
      static_cast<uint32_t>(members.Number("dimension", limits::kDimensionMax));
  vectors.model.latent = static_cast<uint32_t>(members.Number("latent", kLatentMax));
  vectors.model.clusters = static_cast<uint32_t>(members.Number("clusters", kClustersMax));
  if (!members.wrong().empty()) return BadDescription(path, members.wrong());
  return vectors;
}

}  // namespace kith::cli
