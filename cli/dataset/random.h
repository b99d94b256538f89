#ifndef KITH_CLI_DATASET_RANDOM_H_
#define KITH_CLI_DATASET_RANDOM_H_

#include <cmath>
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
    double u, v, square;
    do {
      u = 2 * Uniform() - 1;
      v = 2 * Uniform() - 1;
      square = u * u + v * v;
    } while (square >= 1 || square == 0);
    const double scale = std::sqrt(-2 * Log(square) / square);
    spare_ = v * scale;
    has_spare_ = true;
    return u * scale;
  }

  // Natural logarithm of a positive normal number, to about 1e-15.
  static double Log(double x) {
    uint64_t bits;
    __builtin_memcpy(&bits, &x, 8);
    int exponent = static_cast<int>(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffull) | (1023ull << 52);
    double mantissa;
    __builtin_memcpy(&mantissa, &bits, 8);
    if (mantissa > 1.4142135623730951) {
      mantissa /= 2;
      ++exponent;
    }
    // log m = 2 atanh((m - 1) / (m + 1)), |argument| <= 0.1716: eleven terms of the series.
    const double s = (mantissa - 1) / (mantissa + 1);
    const double t = s * s;
    double sum = 0;
    for (int k = 21; k >= 1; k -= 2) sum = sum * t + 1.0 / k;
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
