#ifndef KITH_CLI_DATASET_RANDOM_H_
#define KITH_CLI_DATASET_RANDOM_H_

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace kith::cli {

// Random numbers that are the same on every machine: integer arithmetic, and of floating point only
// + - * / and square root, which IEEE 754 fixes. The standard library's distributions and the
// mathematical library's functions promise no such thing.
//
// Threads: one at a time.
class RandomStream {
 public:
  // Streams of other (seed, stream, chunk) have nothing to do with each other.
  RandomStream(uint64_t seed, uint64_t stream, uint64_t chunk)
      : state_(Mix(Mix(Mix(seed) + stream) + chunk)) {}

  // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
  uint64_t Next() { return Mix(state_ += kGamma); }

  // In [0, 1), 53 bits.
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

  // Standard normal, by the polar method (Marsaglia, Bray 1964) with the logarithm below.
  double Normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const Polar polar = NextPolar();
    const double scale = std::sqrt(-2 * Log(polar.square) / polar.square);
    spare_ = polar.v * scale;
    has_spare_ = true;
    return polar.u * scale;
  }

  // Two uniform numbers of the polar method and the sum of their squares, in (0, 1).
  struct Polar {
    double u, v, square;
  };
  Polar NextPolar() {
    Polar polar;
    do {
      polar.u = 2 * Uniform() - 1;
      polar.v = 2 * Uniform() - 1;
      polar.square = polar.u * polar.u + polar.v * polar.v;
    } while (polar.square >= 1 || polar.square == 0);
    return polar;
  }

  // What Normal() would give next, `count` times; `scales` is WideLoops::polar_scales.
  template <typename Scales>
  void Normals(size_t count, double* out, Scales scales) {
    constexpr size_t kPairs = 64;
    Polar pairs[kPairs];
    double squares[kPairs], factors[kPairs];
    size_t done = 0;
    if (has_spare_ && count > 0) {
      has_spare_ = false;
      out[done++] = spare_;
    }
    while (done < count) {
      const size_t wanted = (count - done + 1) / 2;
      const size_t some = wanted < kPairs ? wanted : kPairs;
      for (size_t i = 0; i < some; ++i) {
        pairs[i] = NextPolar();
        squares[i] = pairs[i].square;
      }
      scales(squares, some, factors);
      for (size_t i = 0; i < some; ++i) {
        out[done++] = pairs[i].u * factors[i];
        const double second = pairs[i].v * factors[i];
        if (done < count) {
          out[done++] = second;
        } else {
          spare_ = second;
          has_spare_ = true;
        }
      }
    }
  }

  // Natural logarithm of a positive normal number, to about 1e-15.
  static double Log(double x) { return LogWithoutBranches(x); }

  // In a form of which a compiler makes one of several lanes.
  [[gnu::always_inline]] static inline double LogWithoutBranches(double x) {
    uint64_t bits;
    __builtin_memcpy(&bits, &x, 8);
    // The biased exponent in the mantissa of 2^52: whole numbers there are exact.
    const uint64_t biased = (bits >> 52) | 0x4330000000000000ull;
    double exponent;
    __builtin_memcpy(&exponent, &biased, 8);
    exponent -= 0x1p52 + 1023;
    bits = (bits & 0xfffffffffffffull) | (1023ull << 52);
    double mantissa;
    __builtin_memcpy(&mantissa, &bits, 8);
    const bool upper = mantissa > 1.4142135623730951;
    mantissa = upper ? mantissa * 0.5 : mantissa;
    exponent = upper ? exponent + 1 : exponent;
    // log m = 2 atanh((m - 1) / (m + 1)), |argument| <= 0.1716: eleven terms of the series.
    const double s = (mantissa - 1) / (mantissa + 1);
    const double t = s * s;
    double sum = 0;
    sum = sum * t + 1.0 / 21;
    sum = sum * t + 1.0 / 19;
    sum = sum * t + 1.0 / 17;
    sum = sum * t + 1.0 / 15;
    sum = sum * t + 1.0 / 13;
    sum = sum * t + 1.0 / 11;
    sum = sum * t + 1.0 / 9;
    sum = sum * t + 1.0 / 7;
    sum = sum * t + 1.0 / 5;
    sum = sum * t + 1.0 / 3;
    sum = sum * t + 1.0;
    return exponent * 0.6931471805599453 + 2 * s * sum;
  }

  // e^x for |x| <= 30, to about 1e-13.
  static double Exp(double x) {
    const double small = x / 1024;
    double sum = 1;
    for (int k = 8; k >= 1; --k) sum = 1 + sum * small / k;
    for (int i = 0; i < 10; ++i) sum *= sum;
    return sum;
  }

 private:
  static constexpr uint64_t kGamma = 0x9e3779b97f4a7c15ull;
  static uint64_t Mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

  uint64_t state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace kith::cli

#endif  // KITH_CLI_DATASET_RANDOM_H_
