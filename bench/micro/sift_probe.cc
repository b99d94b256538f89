// Trains, encodes and searches one u8 data set on one thread and prints recall, speed and work for
// growing nprobe: the tool behind the engine's defaults.
//
//   kith_sift_probe BASE.u8bin QUERY.u8bin TRUTH.ibin [name=value ...]
//   lists=4096 subspaces=16 plane_b=raw|residual plane_b_bytes=0 (one a dimension)
//   refine=160 rerank=40 limit=10 queries=2000
//   first_query=0 threads=2 (train and encode) nprobe=0 (that one alone instead of the table)
//   rounds=2 (of all queries; the last one counts, the first warms the caches)
//   batch=1 (queries a call)
//   groups=1 (0: of many lists all are looked at, as if they stood in no groups)
//   stop=0 (100 times the stop ratio; 0: none)
//   cache=FILE (quantizers there, codes in FILE.codes; made where missing)
//   --json FILE (the figures there too)
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bench/library/encoded_file.h"
#include "index/encoder.h"
#include "index/kernels/kernel_table.h"
#include "index/list_segment.h"
#include "index/plan.h"
#include "index/search.h"
#include "index/train.h"

namespace kith::index {
namespace {

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "sift_probe: %s\n", message.c_str());
  std::exit(1);
}

// A file of uint32 count, uint32 width and count x width elements.
template <typename T>
struct Matrix {
  uint32_t count = 0;
  uint32_t width = 0;
  std::vector<T> elements;
  const T* Row(size_t i) const { return elements.data() + i * width; }
};

template <typename T>
Matrix<T> Load(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail(std::string("cannot open ") + path);
  Matrix<T> matrix;
  file.read(reinterpret_cast<char*>(&matrix.count), 4);
  file.read(reinterpret_cast<char*>(&matrix.width), 4);
  matrix.elements.resize(size_t{matrix.count} * matrix.width);
  file.read(reinterpret_cast<char*>(matrix.elements.data()),
            static_cast<std::streamsize>(matrix.elements.size() * sizeof(T)));
  if (!file) Fail(std::string(path) + " is shorter than its head says");
  return matrix;
}

class Settings {
 public:
  Settings(int count, char** values) {
    static const std::set<std::string> known = {
        "lists",   "subspaces", "plane_b", "plane_b_bytes", "refine", "rerank", "limit", "queries",
        "threads", "nprobe",    "rounds",  "first_query",   "cache",  "stop",   "batch", "groups"};
    for (int i = 0; i < count; ++i) {
      const std::string value = values[i];
      if (value == "--json") {
        if (++i == count) Fail("--json: name the file to write");
        values_["json"] = values[i];
        continue;
      }
      const size_t equals = value.find('=');
      if (equals == std::string::npos) Fail("not name=value: " + value);
      const std::string name = value.substr(0, equals);
      if (!known.contains(name)) Fail("unknown name: " + name);
      values_[name] = value.substr(equals + 1);
    }
    const std::string plane_b = Text("plane_b", "raw");
    if (plane_b != "raw" && plane_b != "residual") Fail("plane_b is raw or residual");
  }
  uint32_t Number(const std::string& name, uint32_t standard) const {
    const auto at = values_.find(name);
    return at == values_.end() ? standard : static_cast<uint32_t>(std::stoul(at->second));
  }
  std::string Text(const std::string& name, const std::string& standard) const {
    const auto at = values_.find(name);
    return at == values_.end() ? standard : at->second;
  }
  const std::map<std::string, std::string>& given() const { return values_; }

 private:
  std::map<std::string, std::string> values_;
};

// What --json writes: one object of numbers and words, and a list of such objects, one a nprobe.
class Report {
 public:
  void Add(const std::string& name, double value) {
    char text[40];
    std::snprintf(text, sizeof(text), "%.6g", value);
    Field(name, text);
  }
  void Add(const std::string& name, const std::string& value) {
    std::string quoted = "\"";
    for (const char letter : value) {
      if (letter == '"' || letter == '\\') quoted += '\\';
      quoted += letter;
    }
    Field(name, quoted + '"');
  }
  void AddRun(const Report& run) {
    runs_ += (runs_.empty() ? "\n  {" : ",\n  {") + run.fields_ + "}";
  }
  void Write(const std::string& path) const {
    if (path.empty()) return;
    std::ofstream file(path);
    file << "{" << fields_ << ", \"runs\": [" << runs_ << "]}\n";
    if (!file.flush()) Fail("cannot write " + path);
  }

 private:
  void Field(const std::string& name, const std::string& text) {
    fields_ += (fields_.empty() ? "\"" : ", \"") + name + "\": " + text;
  }

  std::string fields_;
  std::string runs_;
};

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Of this thread: other work on the machine disturbs it less than the clock on the wall.
double CpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// The base vectors as a row file of one extent.
class Rows {
 public:
  explicit Rows(const Matrix<uint8_t>& base) {
    table_ = {&extent_, 31, RowTable::StrideFor(base.width), base.count};
    bytes_.resize(size_t{table_.stride} * base.count);
    extent_ = bytes_.data();
    for (uint32_t row = 0; row < base.count; ++row) {
      RowHeader header{};
      header.row = row;
      header.version = 1;
      header.inverse_norm = 1;
      const PointKey key = PointKey::FromNumber(row);
      std::memcpy(header.key, key.bytes.data(), PointKey::kSize);
      std::byte* record = bytes_.data() + size_t{row} * table_.stride;
      std::memcpy(record, &header, sizeof(header));
      std::memcpy(record + sizeof(header), base.Row(row), base.width);
    }
  }
  Rows(const Rows&) = delete;
  const RowTable& table() const { return table_; }

 private:
  std::vector<std::byte> bytes_;
  const std::byte* extent_ = nullptr;
  RowTable table_;
};

std::shared_ptr<const IndexVersion> Train(const Matrix<uint8_t>& base, const Settings& settings) {
  const std::string cache = settings.Text("cache", "");
  if (std::ifstream file{cache, std::ios::binary}) {
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    auto version = ParseIndexVersion(bytes);
    if (!version.ok()) Fail(version.status().message());
    return *version;
  }
  IndexParameters parameters{.dimension = base.width, .element_type = ElementType::kU8};
  parameters.lists = settings.Number("lists", AutoLists(base.count));
  parameters.subspaces = settings.Number("subspaces", AutoSubspaces(base.width));
  SetPlaneB(settings.Number("plane_b_bytes", 0), parameters);
  if (settings.Text("plane_b", "raw") == "residual" && parameters.plane_b == PlaneB::kRawU8) {
    parameters.plane_b = PlaneB::kResidual;
  }
  parameters.seed = 1;
  std::mt19937_64 random(1);
  std::vector<uint8_t> sample;
  const uint64_t wanted = SamplePoints(base.count, parameters.lists);
  for (uint64_t i = 0; i < wanted; ++i) {
    // One of each stretch of equal length: no point twice.
    const uint64_t begin = i * base.count / wanted;
    const uint64_t length = (i + 1) * base.count / wanted - begin;
    const uint8_t* row = base.Row(begin + random() % length);
    sample.insert(sample.end(), row, row + base.width);
  }
  TrainingControl control;
  control.threads = static_cast<int>(settings.Number("threads", 2));
  const double begin = Seconds();
  auto version = TrainIndexVersion(
      parameters, {reinterpret_cast<const std::byte*>(sample.data()), wanted}, control);
  if (!version.ok()) Fail(version.status().message());
  std::printf("trained %u lists, %u sub-spaces on %lu points in %.1f s\n", parameters.lists,
              parameters.subspaces, wanted, Seconds() - begin);
  if (!cache.empty()) {
    const std::string bytes = SerializeIndexVersion(**version);
    std::ofstream(cache, std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
  }
  return *version;
}

std::shared_ptr<const ListSegment> Encode(const IndexVersion& version, const Rows& rows,
                                          const Settings& settings, Report& report) {
  const std::string cache = settings.Text("cache", "") + ".codes";
  EncodedRows encoded;
  const double begin = Seconds();
  if (std::ifstream file{cache, std::ios::binary}) {
    bench::TransferEncoded(file, encoded);
    if (!file) Fail(cache + " is cut short; remove it");
  } else {
    std::vector<uint32_t> all(rows.table().row_end);
    for (uint32_t row = 0; row < all.size(); ++row) all[row] = row;
    encoded =
        EncodeRows(version, rows.table(), all, static_cast<int>(settings.Number("threads", 2)));
    if (cache != ".codes") {
      std::ofstream out(cache, std::ios::binary);
      bench::TransferEncoded(out, encoded);
    }
  }
  const double encoded_s = Seconds() - begin;
  auto segment = ListSegment::FromEncoded(version, encoded);
  const auto points = static_cast<double>(segment->rows());
  std::printf(
      "%.0f rows encoded or read in %.1f s, packed in %.1f s; side rows %zu; %.1f + %.1f "
      "bytes a vector\n",
      points, encoded_s, Seconds() - begin - encoded_s, encoded.side_rows.size(),
      static_cast<double>(segment->code_bytes()) / points,
      static_cast<double>(segment->refine_bytes()) / points);
  report.Add("rows", points);
  report.Add("side_rows", static_cast<double>(encoded.side_rows.size()));
  report.Add("code_bytes_a_row", static_cast<double>(segment->code_bytes()) / points);
  report.Add("refine_bytes_a_row", static_cast<double>(segment->refine_bytes()) / points);
  return segment;
}

struct Bench {
  const IndexView& view;
  const Matrix<uint8_t>& queries;
  const Matrix<int32_t>& truth;
  const Settings& settings;

  Report Measure(uint32_t nprobe) const {
    SearchOptions options{.nprobe = nprobe};
    options.limit = settings.Number("limit", 10);
    options.refine = settings.Number("refine", options.refine);
    options.rerank = settings.Number("rerank", options.rerank);
    if (const uint32_t stop = settings.Number("stop", 0)) {
      options.stop_ratio = static_cast<float>(stop) / 100;
    }
    const uint32_t first = settings.Number("first_query", 0);
    const uint32_t end = std::min(queries.count, first + settings.Number("queries", 2000));
    const uint32_t batch = settings.Number("batch", 1);
    const uint32_t rounds = settings.Number("rounds", 2);
    SearchWorkspace workspace;
    SearchWork total;
    std::vector<SearchAnswer> answers(end - first);
    double seconds = 0;
    double cpu_seconds = 0;
    // The first round warms the caches.
    for (uint32_t round = 0; round < rounds; ++round) {
      total = {};
      const double begin = Seconds();
      const double cpu_begin = CpuSeconds();
      for (uint32_t i = first; i < end; i += batch) {
        const size_t count = std::min(batch, end - i);
        const auto some = std::span(answers).subspan(i - first, count);
        const Status status =
            SearchBatch({view, queries.Row(i), queries.width}, options, workspace, some);
        if (!status.ok()) Fail(status.message());
        for (const SearchAnswer& answer : some) total.Add(answer.work);
      }
      seconds = Seconds() - begin;
      cpu_seconds = CpuSeconds() - cpu_begin;
    }
    const auto count = static_cast<double>(answers.size());
    std::printf("%6u  %6.4f  %8.0f  %8.0f", nprobe, Recall(answers), count / seconds,
                count / cpu_seconds);
    PrintWork(total, count);
    Report report;
    report.Add("nprobe", nprobe);
    report.Add("queries", count);
    report.Add("recall", Recall(answers));
    report.Add("queries_a_second", count / seconds);
    report.Add("queries_a_cpu_second", count / cpu_seconds);
    AddWork(total, count, report);
    return report;
  }

 private:
  double Recall(const std::vector<SearchAnswer>& answers) const {
    const uint32_t first = settings.Number("first_query", 0);
    const uint32_t k = settings.Number("limit", 10);
    uint64_t found = 0;
    for (size_t i = 0; i < answers.size(); ++i) {
      const int32_t* near = truth.Row(first + i);
      for (const Hit& hit : answers[i].hits) {
        found += std::find(near, near + k, static_cast<int32_t>(hit.row)) != near + k;
      }
    }
    return static_cast<double>(found) / static_cast<double>(answers.size() * k);
  }

  void AddWork(const SearchWork& work, double queries, Report& report) const {
    const auto each = [&](const char* name, uint64_t total) {
      report.Add(name, static_cast<double>(total) / queries);
    };
    report.Add("scanned_share",
               static_cast<double>(work.rows_scanned) / queries / view.rows.row_end);
    each("refined", work.rows_refined);
    each("reranked", work.rows_reranked);
    each("coarse_ns", work.coarse_ns);
    each("scan_ns", work.scan_ns);
    each("refine_ns", work.refine_ns);
    each("rerank_ns", work.rerank_ns);
  }

  void PrintWork(const SearchWork& work, double queries) const {
    const auto each_us = [&](uint64_t ns) { return static_cast<double>(ns) / queries / 1000; };
    std::printf("  %6.2f%%  %7.0f  %8.0f  %7.1f %7.1f %7.1f %7.1f\n",
                100.0 * static_cast<double>(work.rows_scanned) / queries / view.rows.row_end,
                static_cast<double>(work.rows_refined) / queries,
                static_cast<double>(work.rows_reranked) / queries, each_us(work.coarse_ns),
                each_us(work.scan_ns), each_us(work.refine_ns), each_us(work.rerank_ns));
  }
};

int Main(int argc, char** argv) {
  if (argc < 4) {
    Fail("usage: kith_sift_probe BASE.u8bin QUERY.u8bin TRUTH.ibin [name=value ...] [--json FILE]");
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const Settings settings(argc - 4, argv + 4);
  const auto base = Load<uint8_t>(argv[1]);
  const auto queries = Load<uint8_t>(argv[2]);
  const auto truth = Load<int32_t>(argv[3]);
  if (truth.width < settings.Number("limit", 10)) Fail("the truth is narrower than limit");
  const Rows rows(base);
  auto version = Train(base, settings);
  if (settings.Number("groups", 1) == 0) {
    auto ungrouped = std::make_shared<IndexVersion>(*version);
    ungrouped->group_codes = CentroidCodes();
    version = ungrouped;
  }
  Report report;
  report.Add("kernels", ActiveKernels().name);
  for (int i = 1; i < 4; ++i) report.Add(i == 1 ? "base" : i == 2 ? "query" : "truth", argv[i]);
  for (const auto& [name, value] : settings.given()) report.Add("setting_" + name, value);
  report.Add("lists", version->lists());
  report.Add("subspaces", version->subspaces());
  const std::vector segments = {Encode(*version, rows, settings, report)};
  const Tombstones tombstones;
  const IndexView view{.element_type = ElementType::kU8,
                       .dimension = base.width,
                       .rows = rows.table(),
                       .tombstones = &tombstones,
                       .version = version.get(),
                       .segments = segments,
                       .indexed_end = base.count};
  std::printf(
      "kernels %s\nnprobe  recall  queries/s  (of CPU)  scanned  refined  reranked  "
      "coarse    scan  refine  rerank (us)\n",
      ActiveKernels().name);
  std::vector<uint32_t> table = {8, 16, 24, 32, 40, 48, 64, 96, 128, 192};
  if (const uint32_t only = settings.Number("nprobe", 0)) table = {only};
  for (const uint32_t nprobe : table) {
    report.AddRun(Bench{view, queries, truth, settings}.Measure(nprobe));
  }
  report.Write(settings.Text("json", ""));
  return 0;
}

}  // namespace
}  // namespace kith::index

int main(int argc, char** argv) { return kith::index::Main(argc, argv); }
