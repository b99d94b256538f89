#include "index/index_version.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <span>
#include <type_traits>

#include "index/content_hash.h"
#include "index/list_groups.h"
#include "index/packed_coder.h"
#include "index/parameters.h"
#include "index/product_code.h"

namespace kith::index {
namespace {

static_assert(std::endian::native == std::endian::little, "the artifact is little-endian");

constexpr std::string_view kMagic = "KITHIDX\n";
constexpr uint32_t kFormat = 3;
constexpr size_t kHeaderBytes = 48;
constexpr size_t kPackedFloats = 3;  // correction minimum and scale, error at most

class Writer {
 public:
  explicit Writer(size_t bytes) { bytes_.reserve(bytes); }

  void Text(std::string_view text) { bytes_ += text; }
  template <class T>
  void One(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  template <class T>
  void All(const std::vector<T>& values) {
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  std::string_view written() const { return bytes_; }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads what the caller has made sure is there.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T One() {
    T value;
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_.remove_prefix(sizeof(T));
    return value;
  }
  template <class T>
  std::vector<T> All(size_t count) {
    std::vector<T> values(count);
    if (count != 0) std::memcpy(values.data(), bytes_.data(), count * sizeof(T));
    bytes_.remove_prefix(count * sizeof(T));
    return values;
  }

 private:
  std::string_view bytes_;
};

Status Damaged(std::string what) {
  return Status(Code::kDataLoss, "ARTIFACT_DAMAGED",
                "index version artifact: " + std::move(what) + "; fetch it again or retrain");
}

size_t RefineCount(const IndexParameters& parameters) {
  return parameters.plane_b == PlaneB::kRawU8 ? 0 : parameters.dimension;
}

bool IsPacked(const IndexParameters& parameters) {
  return parameters.plane_b == PlaneB::kPackedResidual;
}

// Of the whole artifact. No overflow: the parameters are in their ranges.
uint64_t ArtifactBytes(const IndexParameters& parameters) {
  const uint64_t floats = (uint64_t{parameters.lists} + kCodewords) * parameters.dimension +
                          2 * RefineCount(parameters);
  const uint64_t packed = IsPacked(parameters) ? kPackedFloats * 4 + parameters.dimension : 0;
  return kHeaderBytes + 4 * (uint64_t{parameters.subspaces} + 1) + 4 * floats + packed +
         sizeof(ContentHash);
}

void WriteHeader(const IndexVersion& version, Writer& writer) {
  const IndexParameters& parameters = version.parameters;
  writer.Text(kMagic);
  writer.One(kFormat);
  writer.One(parameters.dimension);
  writer.One(parameters.lists);
  writer.One(parameters.subspaces);
  writer.One(parameters.metric);
  writer.One(parameters.element_type);
  writer.One(parameters.plane_b);
  writer.One(uint8_t{0});
  writer.One(parameters.plane_b_bytes);
  writer.One(parameters.seed);
  writer.One(version.bias_min);
  writer.One(version.bias_scale);
}

// False where a byte that says nothing is not zero: the same version would have two hashes.
bool ReadHeader(Reader& reader, IndexVersion& version) {
  IndexParameters& parameters = version.parameters;
  parameters.dimension = reader.One<uint32_t>();
  parameters.lists = reader.One<uint32_t>();
  parameters.subspaces = reader.One<uint32_t>();
  parameters.metric = reader.One<Metric>();
  parameters.element_type = reader.One<ElementType>();
  parameters.plane_b = reader.One<PlaneB>();
  const auto reserved = reader.One<uint8_t>();
  parameters.plane_b_bytes = reader.One<uint32_t>();
  parameters.seed = reader.One<uint64_t>();
  version.bias_min = reader.One<float>();
  version.bias_scale = reader.One<float>();
  return reserved == 0;
}

void ReadArrays(Reader& reader, IndexVersion& version) {
  const IndexParameters& parameters = version.parameters;
  version.subspace_begins = reader.All<uint32_t>(parameters.subspaces + 1);
  version.centroids = reader.All<float>(size_t{parameters.lists} * parameters.dimension);
  version.codebooks = reader.All<float>(kCodewords * parameters.dimension);
  version.refine_min = reader.All<float>(RefineCount(parameters));
  version.refine_scale = reader.All<float>(RefineCount(parameters));
  if (!IsPacked(parameters)) return;
  version.correction_min = reader.One<float>();
  version.correction_scale = reader.One<float>();
  version.coding_error_max = reader.One<float>();
  version.refine_bits = reader.All<uint8_t>(parameters.dimension);
}

bool AllFinite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(),
                     [](float value) { return std::isfinite(value); });
}

std::string PackedFault(const IndexVersion& version) {
  const std::vector<uint8_t>& bits = version.refine_bits;
  const size_t first = CorrectionBytes(version.parameters.metric);
  size_t total = 8 * first;
  for (const uint8_t of_dimension : bits) total += of_dimension;
  const bool has_room = total <= size_t{version.plane_b_bytes()} * 8;
  if (!has_room || *std::max_element(bits.begin(), bits.end()) > PackedLayout::kMostBits) {
    return "the bits of its dimensions do not fit plane B";
  }
  const bool has_correction = version.correction_scale > 0;
  if (has_correction != (first != 0) || version.coding_error_max <= 0) {
    return "its code ranges are empty";
  }
  return {};
}

// What a hash cannot say: that whoever wrote the bytes wrote sense.
std::string ContentFault(const IndexVersion& version) {
  const std::vector<uint32_t>& begins = version.subspace_begins;
  const bool ascending =
      std::adjacent_find(begins.begin(), begins.end(), std::greater_equal<>()) == begins.end();
  if (begins.front() != 0 || begins.back() != version.dimension() || !ascending) {
    return "its sub-spaces do not cut its dimension";
  }
  const float scalars[] = {version.bias_min, version.bias_scale, version.correction_min,
                           version.correction_scale, version.coding_error_max};
  if (!AllFinite(scalars) || !AllFinite(version.centroids) || !AllFinite(version.codebooks) ||
      !AllFinite(version.refine_min) || !AllFinite(version.refine_scale)) {
    return "it holds numbers that are not finite";
  }
  const bool needs_bias = version.parameters.metric != Metric::kInnerProduct;
  const bool refines = std::all_of(version.refine_scale.begin(), version.refine_scale.end(),
                                   [](float scale) { return scale > 0; });
  if (!refines || (needs_bias ? version.bias_scale <= 0 : version.bias_scale != 0)) {
    return "its code ranges are empty";
  }
  return IsPacked(version.parameters) ? PackedFault(version) : std::string();
}

}  // namespace

void DeriveImages(IndexVersion& version) {
  const Matrix centroids = {version.centroids.data(), version.lists(), version.dimension()};
  version.centroid_codes = CentroidCodes(centroids);
  version.group_codes = version.lists() > kUngroupedLists
                            ? GroupCodes(centroids, version.centroid_codes.range())
                            : CentroidCodes();
  version.landmarks = Landmarks(centroids);
  version.codebook_columns = CodebookColumns(version.codebooks, version.dimension());
  if (!IsPacked(version.parameters)) return;
  version.packed_layout = PackedLayout(
      version.refine_bits, CorrectionBytes(version.parameters.metric), version.plane_b_bytes());
}

std::string SerializeIndexVersion(const IndexVersion& version) {
  Writer writer(ArtifactBytes(version.parameters));
  WriteHeader(version, writer);
  writer.All(version.subspace_begins);
  writer.All(version.centroids);
  writer.All(version.codebooks);
  writer.All(version.refine_min);
  writer.All(version.refine_scale);
  if (IsPacked(version.parameters)) {
    writer.One(version.correction_min);
    writer.One(version.correction_scale);
    writer.One(version.coding_error_max);
    writer.All(version.refine_bits);
  }
  writer.One(HashContent(writer.written()));
  return writer.Take();
}

Result<std::shared_ptr<const IndexVersion>> ParseIndexVersion(std::string_view artifact) {
  if (artifact.size() < kHeaderBytes) {
    return Damaged("it has " + std::to_string(artifact.size()) + " bytes, fewer than its header");
  }
  if (artifact.substr(0, kMagic.size()) != kMagic) return Damaged("it does not begin as one");
  Reader reader(artifact.substr(kMagic.size()));
  const auto format = reader.One<uint32_t>();
  if (format != kFormat) {
    return Damaged("its format is " + std::to_string(format) + ", this program reads " +
                   std::to_string(kFormat));
  }
  auto version = std::make_shared<IndexVersion>();
  if (!ReadHeader(reader, *version)) return Damaged("its reserved byte is not 0");
  const std::string fault = ParameterFault(version->parameters);
  if (!fault.empty()) return Damaged(fault);
  // Nothing is allocated by a size that the bytes do not bear out.
  const uint64_t expected = ArtifactBytes(version->parameters);
  if (artifact.size() != expected) {
    return Damaged("it has " + std::to_string(artifact.size()) + " bytes, its header promises " +
                   std::to_string(expected));
  }
  const std::string_view content = artifact.substr(0, artifact.size() - sizeof(ContentHash));
  const ContentHash hash = HashContent(content);
  if (Reader(artifact.substr(content.size())).One<ContentHash>() != hash) {
    return Damaged("its bytes do not match their hash");
  }
  ReadArrays(reader, *version);
  const std::string content_fault = ContentFault(*version);
  if (!content_fault.empty()) return Damaged(content_fault);
  DeriveImages(*version);
  version->hash = HexDigits(hash);
  return std::shared_ptr<const IndexVersion>(std::move(version));
}

}  // namespace kith::index
