// What the engine's hot loops cost, for every kernel table of this machine.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "common/vector/row_table.h"
#include "index/encoder.h"
#include "index/index_version.h"
#include "index/kernels/kernel_table.h"
#include "index/list_segment.h"
#include "index/nearest.h"
#include "index/search.h"

namespace kith::index {
namespace {

constexpr const char* kTables[] = {"portable", "avx2", "avx512"};

std::vector<float> RandomFloats(size_t count) {
  std::mt19937 bits(static_cast<uint32_t>(count));
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(bits()) * 0x1p-31f - 1;
  return values;
}

std::vector<uint8_t> RandomBytes(size_t count) {
  std::mt19937 bits(static_cast<uint32_t>(count));
  std::vector<uint8_t> values(count);
  for (uint8_t& value : values) value = static_cast<uint8_t>(bits());
  return values;
}

// Skips the benchmark where this machine lacks the table.
const KernelTable* TableOf(benchmark::State& state) {
  const char* name = kTables[state.range(0)];
  const KernelTable* table = FindKernels(name);
  if (table == nullptr) state.SkipWithError("not on this machine");
  state.SetLabel(name);
  return table;
}

template <class Element>
std::vector<const void*> Rows(const std::vector<Element>& elements, size_t n) {
  std::vector<const void*> rows;
  for (size_t i = 0; i < elements.size(); i += n) rows.push_back(&elements[i]);
  return rows;
}

// One query against 64 vectors.
template <class Element, class Query, class Kernel>
void ScoreEach(benchmark::State& state, Kernel KernelTable::*kernel,
               const std::vector<Query>& query, const std::vector<Element>& elements) {
  const KernelTable* table = TableOf(state);
  if (table == nullptr) return;
  const auto rows = Rows(elements, query.size());
  std::vector<float> out(rows.size());
  for (auto _ : state) {
    (table->*kernel)(query.data(), rows.data(), rows.size(), query.size(), out.data());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * rows.size());
}

template <class Kernel>
void ScoreFloats(benchmark::State& state, Kernel KernelTable::*kernel) {
  const size_t n = state.range(1);
  ScoreEach(state, kernel, RandomFloats(n), RandomFloats(64 * n));
}
template <class Kernel>
void ScoreHalves(benchmark::State& state, Kernel KernelTable::*kernel) {
  const size_t n = state.range(1);
  std::vector<uint16_t> elements;
  for (uint8_t byte : RandomBytes(64 * n)) elements.push_back(0x3800 + byte);
  ScoreEach(state, kernel, RandomFloats(n), elements);
}
template <class Kernel>
void ScoreBytes(benchmark::State& state, Kernel KernelTable::*kernel) {
  const size_t n = state.range(1);
  ScoreEach(state, kernel, RandomBytes(n), RandomBytes(64 * n));
}

void L2F32(benchmark::State& state) { ScoreFloats(state, &KernelTable::l2_f32); }
void IpF32(benchmark::State& state) { ScoreFloats(state, &KernelTable::ip_f32); }
void L2F16(benchmark::State& state) { ScoreHalves(state, &KernelTable::l2_f16); }
void IpF16(benchmark::State& state) { ScoreHalves(state, &KernelTable::ip_f16); }
void L2U8(benchmark::State& state) { ScoreBytes(state, &KernelTable::l2_u8); }
void IpU8(benchmark::State& state) { ScoreBytes(state, &KernelTable::ip_u8); }
BENCHMARK(L2F32)->ArgsProduct({{0, 1, 2}, {80, 128, 768}})->ArgNames({"table", "n"});
BENCHMARK(IpF32)->ArgsProduct({{0, 1, 2}, {80, 128, 768}})->ArgNames({"table", "n"});
BENCHMARK(L2F16)->ArgsProduct({{0, 1, 2}, {128}})->ArgNames({"table", "n"});
BENCHMARK(IpF16)->ArgsProduct({{0, 1, 2}, {128}})->ArgNames({"table", "n"});
BENCHMARK(L2U8)->ArgsProduct({{0, 1, 2}, {80, 128}})->ArgNames({"table", "n"});
BENCHMARK(IpU8)->ArgsProduct({{0, 1, 2}, {80, 128}})->ArgNames({"table", "n"});

void LookupTables(benchmark::State& state) {
  const KernelTable* table = TableOf(state);
  if (table == nullptr) return;
  const size_t n = state.range(1);
  const size_t subspaces = state.range(2);
  const auto query = RandomFloats(n);
  const auto columns = RandomFloats(256 * n);
  std::vector<uint32_t> begins;
  for (size_t m = 0; m <= subspaces; ++m)
    begins.push_back(static_cast<uint32_t>(m * n / subspaces));
  const auto count = static_cast<size_t>(state.range(3));
  std::vector<float> out(count * subspaces * 256);
  std::vector<uint8_t> bytes(subspaces * 256);
  std::vector<const float*> queries(count, query.data());
  std::vector<float*> outs;
  for (size_t i = 0; i < count; ++i) outs.push_back(&out[i * bytes.size()]);
  for (auto _ : state) {
    table->lookup_tables(queries.data(), count, columns.data(), begins.data(), subspaces, -2,
                         outs.data());
    for (const float* each : outs) {
      benchmark::DoNotOptimize(table->byte_table(each, subspaces, bytes.data()));
    }
  }
  state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(LookupTables)
    ->ArgsProduct({{0, 1, 2}, {128}, {16, 32}, {1, 4}})
    ->ArgsProduct({{0, 1, 2}, {100}, {16}, {1, 4}})
    ->ArgNames({"table", "n", "subspaces", "queries"});

// A threshold that one vector in a few hundred reaches.
void ScanBytes(benchmark::State& state) {
  const KernelTable* table = TableOf(state);
  if (table == nullptr) return;
  const auto subspaces = static_cast<uint32_t>(state.range(1));
  const auto parts = static_cast<size_t>(state.range(2)) / ByteScan::kMaxCount;
  const size_t part_bytes = size_t{ByteScan::kMaxCount} * (subspaces + 2);
  const auto entries = RandomBytes(size_t{subspaces} * 256);
  const auto blocks = RandomBytes(parts * part_bytes);
  Survivor out[ByteScan::kMaxCount];
  ByteScan scan{nullptr, ByteScan::kMaxCount, subspaces, entries.data()};
  scan.threshold = static_cast<uint16_t>(subspaces * 127.5 - 2.5 * std::sqrt(subspaces) * 74);
  for (auto _ : state) {
    for (size_t part = 0; part < parts; ++part) {
      scan.blocks = blocks.data() + part * part_bytes;
      benchmark::DoNotOptimize(table->scan_bytes(scan, out));
    }
  }
  state.SetItemsProcessed(state.iterations() * parts * ByteScan::kMaxCount);
}
BENCHMARK(ScanBytes)
    ->ArgsProduct({{0, 1, 2}, {16, 20, 32}, {8192, 4 << 20}})
    ->ArgNames({"table", "subspaces", "vectors"});

struct RandomPanels {
  std::vector<uint8_t> bytes;
  std::vector<int32_t> bias;
  BytePanels panels;

  RandomPanels(size_t vectors, size_t width)
      : bytes(RandomBytes(vectors * width)),
        bias(vectors),
        panels{bytes.data(), bias.data(), vectors / 64, width} {}
};

void PanelScores(benchmark::State& state) {
  const KernelTable* table = TableOf(state);
  if (table == nullptr) return;
  const auto lists = static_cast<size_t>(state.range(1));
  const auto width = static_cast<size_t>(state.range(2));
  const auto count = static_cast<size_t>(state.range(3));
  const RandomPanels random(lists, width);
  const auto query = RandomBytes(width);
  const std::vector codes(count, reinterpret_cast<const int8_t*>(query.data()));
  std::vector<int32_t> out(count * lists);
  std::vector<int32_t*> outs;
  for (size_t i = 0; i < count; ++i) outs.push_back(&out[i * lists]);
  for (auto _ : state) {
    table->panel_scores(random.panels, codes.data(), count, outs.data());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * count * lists);
}
BENCHMARK(PanelScores)
    ->ArgsProduct({{0, 1, 2}, {4096, 16384}, {80, 128}, {1, 8}})
    ->ArgNames({"table", "lists", "width", "queries"});

void PanelNearest(benchmark::State& state) {
  const KernelTable* table = TableOf(state);
  if (table == nullptr) return;
  const auto lists = static_cast<size_t>(state.range(1));
  constexpr size_t kWidth = 80;
  constexpr size_t kPoints = 384;
  const RandomPanels random(lists, kWidth);
  const auto points = RandomBytes(kPoints * kWidth);
  std::vector<uint32_t> nearest(kPoints);
  for (auto _ : state) {
    table->panel_nearest(random.panels, reinterpret_cast<const int8_t*>(points.data()), kPoints,
                         nearest.data());
    benchmark::DoNotOptimize(nearest.data());
  }
  state.SetItemsProcessed(state.iterations() * kPoints);
}
BENCHMARK(PanelNearest)->ArgsProduct({{0, 1, 2}, {4096, 16384}})->ArgNames({"table", "lists"});

void KthSmallest(benchmark::State& state) {
  const KernelTable* table = TableOf(state);
  if (table == nullptr) return;
  const auto count = static_cast<size_t>(state.range(1));
  const auto bytes = RandomBytes(count * sizeof(int32_t));
  std::vector<int32_t> values(count);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(table->kth_smallest(values.data(), count, count / 3));
  }
  state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(KthSmallest)->ArgsProduct({{0, 1, 2}, {512, 4096}})->ArgNames({"table", "count"});

void RefineL2(benchmark::State& state) {
  const KernelTable* table = TableOf(state);
  if (table == nullptr) return;
  const size_t n = state.range(1);
  const auto offsets = RandomFloats(64 * n);
  const auto scale = RandomFloats(n);
  const auto codes = RandomBytes(64 * n);
  std::vector<const float*> offset_rows;
  std::vector<const uint8_t*> code_rows;
  for (size_t i = 0; i < 64; ++i) {
    offset_rows.push_back(&offsets[i * n]);
    code_rows.push_back(&codes[i * n]);
  }
  float out[64];
  for (auto _ : state) {
    table->refine_l2(offset_rows.data(), scale.data(), code_rows.data(), 64, n, out);
    benchmark::DoNotOptimize(out);
  }
  state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(RefineL2)->ArgsProduct({{0, 1, 2}, {128}})->ArgNames({"table", "n"});

void RefineIp(benchmark::State& state) {
  const KernelTable* table = TableOf(state);
  if (table == nullptr) return;
  const size_t n = state.range(1);
  const auto query = RandomFloats(n);
  const auto codes = RandomBytes(64 * n);
  std::vector<const uint8_t*> code_rows;
  for (size_t i = 0; i < 64; ++i) code_rows.push_back(&codes[i * n]);
  float out[64];
  for (auto _ : state) {
    table->refine_ip(query.data(), code_rows.data(), 64, n, out);
    benchmark::DoNotOptimize(out);
  }
  state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(RefineIp)->ArgsProduct({{0, 1, 2}, {128}})->ArgNames({"table", "n"});

// A version of random quantizers: encoding costs the same whatever they hold.
IndexVersion RandomVersion(uint32_t dimension, uint32_t lists, uint32_t subspaces) {
  IndexVersion version;
  version.parameters = {.dimension = dimension,
                        .metric = Metric::kL2,
                        .element_type = ElementType::kU8,
                        .lists = lists,
                        .subspaces = subspaces,
                        .plane_b = PlaneB::kRawU8,
                        .plane_b_bytes = dimension,
                        .seed = 0};
  for (uint32_t m = 0; m <= subspaces; ++m) {
    version.subspace_begins.push_back(dimension * m / subspaces);
  }
  version.centroids = RandomFloats(size_t{lists} * dimension);
  version.codebooks = RandomFloats(size_t{256} * dimension);
  version.bias_min = -1e9f;
  version.bias_scale = 1e5f;
  DeriveImages(version);
  return version;
}

// On one thread, with the kernels that KITH_KERNELS names.
void Encode(benchmark::State& state) {
  const auto lists = static_cast<uint32_t>(state.range(0));
  constexpr uint32_t kDimension = 128;
  constexpr uint32_t kRows = 4096;
  const IndexVersion version = RandomVersion(kDimension, lists, 16);
  const uint32_t stride = RowTable::StrideFor(kDimension);
  const auto records = RandomBytes(size_t{kRows} * stride);
  const auto* extent = reinterpret_cast<const std::byte*>(records.data());
  const RowTable table = {&extent, 12, stride, kRows};
  std::vector<uint32_t> rows(kRows);
  std::iota(rows.begin(), rows.end(), 0u);
  for (auto _ : state) {
    benchmark::DoNotOptimize(EncodeRows(version, table, rows, 1));
  }
  state.SetLabel(ActiveKernels().name);
  state.SetItemsProcessed(state.iterations() * kRows);
}
BENCHMARK(Encode)->Arg(1024)->Arg(4096)->ArgName("lists")->Unit(benchmark::kMillisecond);

// One search of 65,536 rows in 1,024 lists at the default depths, with the kernels that
// KITH_KERNELS names; queries in turn, so that lists are not always in the cache.
void WholeSearch(benchmark::State& state) {
  constexpr uint32_t kDimension = 128;
  constexpr uint32_t kRows = 65'536;
  IndexVersion version = RandomVersion(kDimension, 1024, 16);
  const auto points = RandomBytes(version.centroids.size());
  std::copy(points.begin(), points.end(), version.centroids.begin());
  DeriveImages(version);
  const uint32_t stride = RowTable::StrideFor(kDimension);
  const auto records = RandomBytes(size_t{kRows} * stride);
  const auto* extent = reinterpret_cast<const std::byte*>(records.data());
  const RowTable table = {&extent, 16, stride, kRows};
  std::vector<uint32_t> rows(kRows);
  std::iota(rows.begin(), rows.end(), 0u);
  const std::vector segments = {
      ListSegment::FromEncoded(version, EncodeRows(version, table, rows, 1))};
  const IndexView view{.metric = Metric::kL2,
                       .element_type = ElementType::kU8,
                       .dimension = kDimension,
                       .rows = table,
                       .version = &version,
                       .segments = segments,
                       .indexed_end = kRows};
  const SearchOptions options{.nprobe = static_cast<uint32_t>(state.range(0))};
  SearchWorkspace workspace;
  SearchAnswer answer;
  uint32_t next = 0;
  for (auto _ : state) {
    next = (next + 7919) % kRows;
    const Status status = Search({view, table.Vector(next)}, options, workspace, answer);
    if (!status.ok()) state.SkipWithError("search");
    benchmark::DoNotOptimize(answer.hits.data());
  }
  state.SetLabel(ActiveKernels().name);
  state.counters["scanned"] = static_cast<double>(answer.work.rows_scanned);
}
BENCHMARK(WholeSearch)->Arg(16)->Arg(64)->ArgName("nprobe")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kith::index

BENCHMARK_MAIN();
