#include "index/content_hash.h"

#include <bit>
#include <cstring>

namespace kith::index {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

constexpr uint64_t kFirstOdd = 0x9e3779b97f4a7c15;   // 2^64 / golden ratio
constexpr uint64_t kSecondOdd = 0xc2b2ae3d27d4eb4f;  // from the digits of the square root of 3

void Take(ContentHash& state, uint64_t word) {
  const uint64_t first = (state[0] ^ word) * kFirstOdd;
  state[0] = first ^ (first >> 32);
  const uint64_t second = (state[1] + std::rotl(word, 29)) * kSecondOdd;
  state[1] = second ^ (second >> 29);
}

uint64_t Avalanche(uint64_t value) {
  value = (value ^ (value >> 31)) * kSecondOdd;
  value = (value ^ (value >> 29)) * kFirstOdd;
  return value ^ (value >> 32);
}

}  // namespace

ContentHash HashContent(std::string_view bytes) {
  ContentHash state = {0x6b697468, 0x696e646578};
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    Take(state, word);
  }
  if (left != 0) {
    uint64_t word = 0;
    std::memcpy(&word, at, left);
    Take(state, word);
  }
  Take(state, bytes.size());
  // Each line is a bijection of the pair.
  state[0] = Avalanche(state[0] + state[1]);
  state[1] = Avalanche(state[1] + state[0]);
  state[0] = Avalanche(state[0] + state[1]);
  return state;
}

std::string HexDigits(const ContentHash& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(32);
  for (uint64_t lane : hash) {
    for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kDigits[lane >> shift & 15]);
  }
  return text;
}

}  // namespace kith::index
