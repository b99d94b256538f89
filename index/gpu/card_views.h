#ifndef KITH_INDEX_GPU_CARD_VIEWS_H_
#define KITH_INDEX_GPU_CARD_VIEWS_H_

#include <cstddef>
#include <cstdint>

#include "index/gpu/portable.h"
#include "index/gpu/scan_shape.h"

// What kernels are given: plain data whose pointers lie in the card's memory.
namespace kith::index::gpu {

// An index version on the card.
struct QuantizerView {
  ScanShape shape;
  uint32_t dimension = 0;
  uint32_t lists = 0;
  bool inner_product = false;
  bool raw_plane_b = false;  // plane B is the u8 vector
  float bias_min = 0;
  float bias_scale = 0;
  // As BytePanels: for every four dimensions a word of each of 64 centroids; lists of padding have
  // the largest bias.
  const uint32_t* panels = nullptr;
  const int32_t* panel_bias = nullptr;
  uint32_t panel_count = 0;
  uint32_t panel_words = 0;            // of a centroid: width / 4
  const uint8_t* odd_norms = nullptr;  // lists: the bit that the bias, half a norm, has no room for
  const float* centroids = nullptr;    // lists x dimension
  const float* codebook_columns = nullptr;  // dimension x 256
  const uint32_t* subspace_begins = nullptr;
  const float* refine_min = nullptr;
  const float* refine_scale = nullptr;
};

// Pages of `page_vectors` vectors each. A *slot* is a vector's place: page * page_vectors + i.
struct SlabView {
  uint32_t page_vectors = 0;             // a multiple of 32
  const uint8_t* codes = nullptr;        // groups of plane A and biases
  const uint8_t* plane_b = nullptr;      // slots x dimension
  const uint32_t* rows = nullptr;        // of slots
  const uint32_t* page_lists = nullptr;  // the list that a page belongs to
};

// The lists of one segment: list l has counts[l] vectors in pages[begins[l]] and those after it.
struct SegmentView {
  const uint32_t* begins = nullptr;  // lists + 1
  const uint32_t* counts = nullptr;
  const uint32_t* pages = nullptr;
};

// A query as the kernels want it, made on the host.
struct QueryRecord {
  uint32_t nprobe = 0;  // at most the lists
  uint32_t refine = 0;  // candidates of plane A
  uint32_t keep = 0;    // candidates that leave the card
  float stop_ratio = 0;
  int64_t offset = 0;        // of integer terms (CentroidCodes::DistanceOffset)
  bool exact_terms = false;  // terms are made of the integer scores
};

// The answer to one query. Entries are orders of ranks above, rows below, ascending.
struct QueryResult {
  uint32_t count = 0;
  uint32_t is_overflow = 0;  // too many ties: this query is for the host
  uint32_t lists_probed = 0;
  uint32_t found = 0;  // candidates of plane A
  uint64_t rows_scanned = 0;
  uint64_t rows_refined = 0;
  uint32_t is_cut = 0;  // live rows were left out at the depth of plane A
};

// Whether entries found no room: several blocks that share a query stop there, and one of them
// begins again; one block alone gives up where ties leave it no other way.
enum class Overflow : uint32_t { kNone, kOfSlices, kOfTies };

// What a query's kernels hand on to each other.
struct QueryState {
  uint32_t appended = 0;   // entries that asked for a place, of this round and kept ones
  uint32_t kept = 0;       // entries that stood there before the round
  uint32_t threshold = 0;  // largest order that may still matter
  Overflow overflow = Overflow::kNone;
  uint32_t lists_probed = 0;
  uint32_t is_stopped = 0;
  uint32_t rounds = 0;  // that were cut
  uint32_t is_cut = 0;  // more came than the depth, in one of them
  uint64_t rows_scanned = 0;
};

// What a query begins its scan with.
KITH_ANYWHERE QueryState FreshState(Overflow overflow) {
  QueryState fresh;
  fresh.threshold = OrderOfBits(0x7f800000u);
  fresh.overflow = overflow;
  return fresh;
}

struct Probe {
  float term;
  uint32_t list;
};

// What makes sums of a table's bytes ranks.
struct TableScale {
  float step;
  float minimum_sum;
};

// Scratch of batches whose queries share lists (pair_body.h). A *visit* is a query's wish for a
// list: the query above, the place of the list among its probes below.
struct PairView {
  uint8_t* tables = nullptr;  // queries x padded sub-quantizers x 256
  TableScale* scales = nullptr;
  uint32_t* counts = nullptr;  // of lists; all 0 between two rounds
  uint32_t* begins = nullptr;  // lists + 1: of their visits, all even
  uint64_t* visits = nullptr;  // of a list two by two; kNoVisit where one stays alone
};
constexpr uint64_t kNoVisit = ~uint64_t{0};

// One batch. Arrays of each query follow one another.
struct BatchView {
  QuantizerView quantizer;
  SlabView slab;
  const SegmentView* segments = nullptr;
  uint32_t segment_count = 0;
  const uint32_t* dead_rows = nullptr;     // a bit a row; null: all live
  const uint32_t* allowed_rows = nullptr;  // a bit a row; null: no filter
  bool lists_given = false;                // the host has picked them: their probes stand there
  uint32_t queries = 0;
  const QueryRecord* records = nullptr;
  const uint32_t* codes = nullptr;  // queries x panel_words: four int8 a word
  const float* vectors = nullptr;   // queries x dimension, decoded
  const uint8_t* bytes = nullptr;   // queries x dimension where plane B is raw
  // Scratch.
  int32_t* minima = nullptr;  // queries x panel_count
  Probe* probes = nullptr;    // queries x probes_max
  uint32_t* tiles = nullptr;  // queries x slices x (probes_max * segments + 1)
  uint32_t probes_max = 0;
  uint64_t* entries = nullptr;  // queries x 2 x capacity
  uint32_t capacity = 0;        // a power of two
  QueryState* states = nullptr;
  PairView pairs;
  // Out.
  QueryResult* results = nullptr;
  uint64_t* hits = nullptr;  // queries x hits_max
  uint32_t hits_max = 0;
};

// How a batch is put on a card.
struct BatchLaunch {
  uint32_t slices = 1;       // blocks that share a query's tiles
  uint32_t rounds = 1;       // the most that any query of the batch has
  uint32_t pair_blocks = 0;  // that scan lists for two queries at a time; 0: each query its own
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_CARD_VIEWS_H_
