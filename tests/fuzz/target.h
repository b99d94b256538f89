#ifndef KITH_TESTS_FUZZ_TARGET_H_
#define KITH_TESTS_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// What each file of tests/fuzz/targets defines, for libFuzzer and for the replay alike. An input
// that breaks a sanitizer's rule, or Require, ends the process; it never reports in another way.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace kith::fuzz {

// Inputs that reach far, made by the program's own writers: where a fuzzer starts from.
std::vector<std::string> Seeds();

// Ends the process with `what` where it does not hold.
void Require(bool holds, const char* what);

// Keeps the log quiet, once.
void QuietLog();

}  // namespace kith::fuzz

#endif  // KITH_TESTS_FUZZ_TARGET_H_
