#ifndef KITH_BENCH_LIBRARY_ENCODED_FILE_H_
#define KITH_BENCH_LIBRARY_ENCODED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <type_traits>

#include "index/encoder.h"

namespace kith::bench {

// The arrays of an EncodedRows one after the other, in a file of the benches' own: written to an
// ofstream, read from an ifstream, whose state says whether it was whole.
template <typename Stream>
void TransferEncoded(Stream& stream, index::EncodedRows& encoded) {
  const auto array = [&](auto& values) {
    uint64_t count = values.size();
    if constexpr (std::is_same_v<Stream, std::ifstream>) {
      stream.read(reinterpret_cast<char*>(&count), sizeof(count));
      values.resize(stream ? count : 0);
      stream.read(reinterpret_cast<char*>(values.data()),
                  static_cast<std::streamsize>(count * sizeof(values[0])));
    } else {
      stream.write(reinterpret_cast<const char*>(&count), sizeof(count));
      stream.write(reinterpret_cast<const char*>(values.data()),
                   static_cast<std::streamsize>(count * sizeof(values[0])));
    }
  };
  array(encoded.rows);
  array(encoded.lists);
  array(encoded.plane_a);
  array(encoded.bias);
  array(encoded.plane_b);
  array(encoded.side_rows);
}

}  // namespace kith::bench

#endif  // KITH_BENCH_LIBRARY_ENCODED_FILE_H_
