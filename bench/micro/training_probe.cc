// Trains and encodes generated points, or those of a file, and prints what it took and how good the
// quantizers are: the tool behind the choices of training.
//
//   kith_training_probe [name=value ...]
//   points=1000000 dimension=80 lists=0 (auto) subspaces=0 (auto) threads=2 type=u8|f32
//   clusters=2000 skew=0 (in percent: how unevenly points spread over them)
//   wide=1 (times as wide are the first two dimensions) seed=1 base=FILE.u8bin (these points)
//   encode=1 (0: assignment alone) plane_b_bytes=0 (one a dimension)
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "index/encoder.h"
#include "index/kernels/kernel_table.h"
#include "index/nearest.h"
#include "index/parallel.h"
#include "index/plan.h"
#include "index/random.h"
#include "index/train.h"

namespace kith::index {
namespace {

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "training_probe: %s\n", message.c_str());
  std::exit(1);
}

class Settings {
 public:
  Settings(int count, char** values) {
    for (int i = 0; i < count; ++i) {
      const std::string value = values[i];
      const size_t equals = value.find('=');
      if (equals == std::string::npos || !values_.contains(value.substr(0, equals))) {
        Fail("not a known name=value: " + value);
      }
      values_[value.substr(0, equals)] = value.substr(equals + 1);
    }
  }
  uint32_t Number(const std::string& name) const {
    return static_cast<uint32_t>(std::stoul(values_.at(name)));
  }
  const std::string& Text(const std::string& name) const { return values_.at(name); }

 private:
  std::map<std::string, std::string> values_ = {
      {"points", "1000000"}, {"dimension", "80"}, {"lists", "0"},       {"subspaces", "0"},
      {"threads", "2"},      {"type", "u8"},      {"clusters", "2000"}, {"skew", "0"},
      {"wide", "1"},         {"seed", "1"},       {"base", ""},         {"encode", "1"},
      {"plane_b_bytes", "0"}};
};

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Records of a row file of one extent.
class Rows {
 public:
  Rows(uint32_t count, uint32_t vector_bytes)
      : table_{&extent_, 31, RowTable::StrideFor(vector_bytes), count},
        bytes_(size_t{table_.stride} * count) {
    extent_ = bytes_.data();
    for (uint32_t row = 0; row < count; ++row) {
      RowHeader header{};
      header.row = row;
      header.inverse_norm = 1;
      std::memcpy(bytes_.data() + size_t{row} * table_.stride, &header, sizeof(header));
    }
  }
  Rows(const Rows&) = delete;
  std::byte* Vector(uint32_t row) {
    return bytes_.data() + size_t{row} * table_.stride + sizeof(RowHeader);
  }
  const RowTable& table() const { return table_; }

 private:
  const std::byte* extent_ = nullptr;
  RowTable table_;
  std::vector<std::byte> bytes_;
};

// Points around centres in a latent space of 24 dimensions, decoded linearly, with noise.
class Generator {
 public:
  explicit Generator(const Settings& settings)
      : dimension_(settings.Number("dimension")),
        clusters_(settings.Number("clusters")),
        skew_(1 + settings.Number("skew") / 100.0),
        wide_(static_cast<float>(settings.Number("wide"))),
        seed_(settings.Number("seed")),
        decoder_(kLatent * dimension_),
        centres_(kLatent * size_t{clusters_}) {
    Random random(seed_);
    for (float& value : decoder_) value = Normal(random);
    for (float& value : centres_) value = Normal(random);
  }

  void Make(uint32_t row, ElementType type, std::byte* out) const {
    Random random(seed_ + 1 + row);
    const double draw = static_cast<double>(random.Next() >> 11) * 0x1p-53;
    const auto cluster = static_cast<size_t>(std::pow(draw, skew_) * clusters_);
    float latent[kLatent];
    for (size_t i = 0; i < kLatent; ++i) {
      latent[i] = centres_[cluster * kLatent + i] + 0.5f * Normal(random);
    }
    std::vector<float> values(dimension_);
    for (size_t i = 0; i < kLatent; ++i) {
      for (size_t j = 0; j < dimension_; ++j) values[j] += latent[i] * decoder_[i * dimension_ + j];
    }
    for (size_t j = 0; j < dimension_; ++j) {
      const float value = (values[j] + Normal(random)) * (j < 2 ? wide_ : 1);
      if (type == ElementType::kU8) {
        out[j] = static_cast<std::byte>(std::clamp(128 + 6 * value, 0.0f, 255.0f));
      } else {
        std::memcpy(out + 4 * j, &value, 4);
      }
    }
  }

 private:
  static constexpr size_t kLatent = 24;

  // Nearly.
  static float Normal(Random& random) {
    const uint64_t bits = random.Next();
    int32_t sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<int32_t>(bits >> 16 * i & 0xffff);
    return (static_cast<float>(sum) * 0x1p-16f - 2) * 1.7320508f;
  }

  const uint32_t dimension_;
  const uint32_t clusters_;
  const double skew_;
  const float wide_;
  const uint64_t seed_;
  std::vector<float> decoder_;
  std::vector<float> centres_;
};

class Probe {
 public:
  explicit Probe(const Settings& settings)
      : settings_(settings), threads_(static_cast<int>(settings.Number("threads"))) {
    parameters_.element_type = settings.Text("type") == "u8" ? ElementType::kU8 : ElementType::kF32;
    parameters_.dimension = settings.Number("dimension");
    parameters_.seed = 1;
  }

  int Run() {
    LoadPoints();
    Train();
    Assign();
    Balance();
    Miss();
    if (settings_.Number("encode") != 0) Encode();
    return 0;
  }

 private:
  uint32_t count() const { return rows_->table().row_end; }
  size_t vector_bytes() const {
    return parameters_.dimension * ElementSize(parameters_.element_type);
  }
  template <class Work>
  void InParallel(size_t chunk_rows, const Work& work) const {
    ForEachChunk(
        threads_, (count() + chunk_rows - 1) / chunk_rows,
        [&](size_t chunk) {
          const size_t begin = chunk * chunk_rows;
          work(static_cast<uint32_t>(begin),
               static_cast<uint32_t>(std::min<size_t>(count(), begin + chunk_rows)));
        },
        [](size_t) { return true; });
  }

  void LoadPoints() {
    if (settings_.Text("base").empty()) {
      rows_ =
          std::make_unique<Rows>(settings_.Number("points"), static_cast<uint32_t>(vector_bytes()));
      const Generator generator(settings_);
      InParallel(4096, [&](uint32_t begin, uint32_t end) {
        for (uint32_t row = begin; row < end; ++row) {
          generator.Make(row, parameters_.element_type, rows_->Vector(row));
        }
      });
      return;
    }
    std::ifstream file(settings_.Text("base"), std::ios::binary);
    uint32_t head[2];
    if (!file.read(reinterpret_cast<char*>(head), 8)) Fail("cannot read the base file");
    parameters_.dimension = head[1];
    rows_ = std::make_unique<Rows>(head[0], static_cast<uint32_t>(vector_bytes()));
    std::vector<uint8_t> bytes(head[1]);
    for (uint32_t row = 0; row < head[0]; ++row) {
      file.read(reinterpret_cast<char*>(bytes.data()), head[1]);
      for (size_t j = 0; j < bytes.size(); ++j) {
        const float value = 0.37f * static_cast<float>(bytes[j]);  // no byte any more
        if (parameters_.element_type == ElementType::kU8) {
          rows_->Vector(row)[j] = static_cast<std::byte>(bytes[j]);
        } else {
          std::memcpy(rows_->Vector(row) + 4 * j, &value, 4);
        }
      }
    }
    if (!file) Fail("the base file is cut short");
  }

  void Train() {
    const auto or_auto = [&](const char* name, uint32_t otherwise) {
      return settings_.Number(name) != 0 ? settings_.Number(name) : otherwise;
    };
    parameters_.lists = or_auto("lists", AutoLists(count()));
    parameters_.subspaces = or_auto("subspaces", AutoSubspaces(parameters_.dimension));
    SetPlaneB(settings_.Number("plane_b_bytes"), parameters_);
    const uint64_t wanted = SamplePoints(count(), parameters_.lists);
    Random random(7);
    std::vector<std::byte> sample(wanted * vector_bytes());
    for (uint64_t i = 0; i < wanted; ++i) {
      const uint64_t begin = i * count() / wanted;
      const uint64_t length = (i + 1) * count() / wanted - begin;
      std::memcpy(&sample[i * vector_bytes()],
                  rows_->Vector(static_cast<uint32_t>(begin + random.Below(length))),
                  vector_bytes());
    }
    TrainingControl control;
    control.threads = threads_;
    const double begin = Seconds();
    auto version = TrainIndexVersion(parameters_, {sample.data(), wanted}, control);
    if (!version.ok()) Fail(version.status().message());
    version_ = *version;
    std::printf("%s: %u points x %u, %u lists, %u sub-spaces: trained on %lu in %.2f s, exact %d\n",
                ActiveKernels().name, count(), parameters_.dimension, parameters_.lists,
                parameters_.subspaces, wanted, Seconds() - begin,
                version_->centroid_codes.exact() ? 1 : 0);
  }

  Matrix Centroids() const {
    return {version_->centroids.data(), version_->lists(), parameters_.dimension};
  }

  std::vector<float> Floats(uint32_t begin, uint32_t end) const {
    const size_t n = parameters_.dimension;
    std::vector<float> points((end - begin) * n);
    for (uint32_t row = begin; row < end; ++row) {
      const std::byte* vector = rows_->Vector(row);
      float* out = &points[(row - begin) * n];
      for (size_t j = 0; j < n; ++j) {
        if (parameters_.element_type == ElementType::kU8) {
          out[j] = static_cast<float>(vector[j]);
        } else {
          std::memcpy(out + j, vector + 4 * j, 4);
        }
      }
    }
    return points;
  }

  void Assign() {
    lists_.resize(count());
    const double begin = Seconds();
    InParallel(1536, [&](uint32_t first, uint32_t end) {
      const auto points = Floats(first, end);
      NearestFinder(Centroids(), version_->coarse_codes())
          .Find({points.data(), end - first, parameters_.dimension}, &lists_[first]);
    });
    const double seconds = Seconds() - begin;
    std::printf("assigned in %.2f s: %.0f vectors/s\n", seconds, count() / seconds);
  }

  void Balance() const {
    std::vector<uint32_t> sizes(version_->lists());
    for (const uint32_t list : lists_) ++sizes[list];
    std::sort(sizes.begin(), sizes.end());
    const double mean = static_cast<double>(count()) / static_cast<double>(sizes.size());
    double in_large = 0;
    double squares = 0;
    for (const uint32_t size : sizes) {
      if (size > 4 * mean) in_large += size;
      squares += double{1} * size * size;
    }
    std::printf(
        "lists: mean %.0f, largest %.2f of it, smallest %u; in lists above 4 means %.4f %%; "
        "imbalance %.3f\n",
        mean, sizes.back() / mean, sizes.front(), 100 * in_large / count(),
        squares / mean / count());
  }

  // Of a thin sample: the share that has another list than the nearest by floats, and the
  // distortion.
  void Miss() const {
    constexpr uint32_t kSample = 4000;
    const size_t n = parameters_.dimension;
    size_t missed = 0;
    double distortion = 0;
    double least_sum = 0;
    for (uint32_t i = 0; i < kSample; ++i) {
      const auto row = static_cast<uint32_t>(uint64_t{i} * count() / kSample);
      const auto point = Floats(row, row + 1);
      std::vector<const void*> centroids;
      std::vector<float> distances(version_->lists());
      for (uint32_t c = 0; c < version_->lists(); ++c) centroids.push_back(version_->Centroid(c));
      ActiveKernels().l2_f32(point.data(), centroids.data(), centroids.size(), n, distances.data());
      const float least = *std::min_element(distances.begin(), distances.end());
      missed += distances[lists_[row]] > least;
      distortion += distances[lists_[row]];
      least_sum += least;
    }
    std::printf(
        "of %u points %.3f %% not in the nearest list; mean squared residual %.5g, %.4f %% "
        "above the least\n",
        kSample, 100.0 * static_cast<double>(missed) / kSample, distortion / kSample,
        100 * (distortion / least_sum - 1));
  }

  void Encode() const {
    std::vector<uint32_t> all(count());
    for (uint32_t row = 0; row < all.size(); ++row) all[row] = row;
    const double begin = Seconds();
    size_t side = 0;
    constexpr size_t kStep = 1u << 17;
    double residual = 0;
    for (size_t at = 0; at < all.size(); at += kStep) {
      const auto encoded =
          EncodeRows(*version_, rows_->table(),
                     std::span(all).subspan(at, std::min(kStep, all.size() - at)), threads_);
      side += encoded.side_rows.size();
      if (at == 0) residual = CodedDistortion(encoded);
    }
    std::printf("encoded in %.2f s; %zu side rows; mean squared error of plane A %.5g\n",
                Seconds() - begin, side, residual);
  }

  double CodedDistortion(const EncodedRows& encoded) const {
    const size_t n = parameters_.dimension;
    const size_t count = std::min<size_t>(encoded.rows.size(), 20'000);
    double sum = 0;
    for (size_t i = 0; i < count; ++i) {
      const auto point = Floats(encoded.rows[i], encoded.rows[i] + 1);
      const float* centroid = version_->Centroid(encoded.lists[i]);
      for (uint32_t m = 0; m < version_->subspaces(); ++m) {
        const float* codeword =
            &version_->codebooks[encoded.plane_a[i * version_->subspaces() + m] * n];
        for (uint32_t j = version_->subspace_begins[m]; j < version_->subspace_begins[m + 1]; ++j) {
          const double difference = point[j] - centroid[j] - codeword[j];
          sum += difference * difference;
        }
      }
    }
    return sum / static_cast<double>(count);
  }

  const Settings& settings_;
  const int threads_;
  IndexParameters parameters_;
  std::unique_ptr<Rows> rows_;
  std::shared_ptr<const IndexVersion> version_;
  std::vector<uint32_t> lists_;
};

}  // namespace
}  // namespace kith::index

int main(int argc, char** argv) {
  const kith::index::Settings settings(argc - 1, argv + 1);
  return kith::index::Probe(settings).Run();
}
