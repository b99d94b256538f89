#ifndef KITH_TESTS_SUPPORT_GPU_LANES_H_
#define KITH_TESTS_SUPPORT_GPU_LANES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace kith::testing {

// The 32 values that a variable of a kernel has in the lanes of a warp.
template <typename T>
struct Lanes {
  std::array<T, 32> of{};

  Lanes() = default;
  static Lanes All(T value) {
    Lanes lanes;
    lanes.of.fill(value);
    return lanes;
  }
  T& operator[](size_t lane) { return of[lane]; }
  const T& operator[](size_t lane) const { return of[lane]; }
};

template <typename T>
struct IsLanes : std::false_type {};
template <typename T>
struct IsLanes<Lanes<T>> : std::true_type {};

template <typename A, typename B>
concept AnyLanes = IsLanes<A>::value || IsLanes<B>::value;

template <typename T>
const T& At(const Lanes<T>& lanes, size_t lane) {
  return lanes[lane];
}
template <typename T>
requires(!IsLanes<T>::value) const T& At(const T& value, size_t) { return value; }

#define KITH_LANES_OPERATOR(op)                                                         \
  template <typename A, typename B>                                                     \
  requires AnyLanes<A, B>                                                               \
  auto operator op(const A& a, const B& b) {                                            \
    Lanes<std::decay_t<decltype(At(a, 0) op At(b, 0))>> result;                         \
    for (size_t lane = 0; lane < 32; ++lane) result[lane] = At(a, lane) op At(b, lane); \
    return result;                                                                      \
  }
KITH_LANES_OPERATOR(+)
KITH_LANES_OPERATOR(-)
KITH_LANES_OPERATOR(*)
KITH_LANES_OPERATOR(/)
KITH_LANES_OPERATOR(%)
KITH_LANES_OPERATOR(&)
KITH_LANES_OPERATOR(|)
KITH_LANES_OPERATOR(^)
KITH_LANES_OPERATOR(<<)
KITH_LANES_OPERATOR(>>)
KITH_LANES_OPERATOR(<)
KITH_LANES_OPERATOR(>)
KITH_LANES_OPERATOR(<=)
KITH_LANES_OPERATOR(>=)
KITH_LANES_OPERATOR(==)
KITH_LANES_OPERATOR(!=)
KITH_LANES_OPERATOR(&&)
KITH_LANES_OPERATOR(||)
#undef KITH_LANES_OPERATOR

template <typename T>
Lanes<T> operator-(const Lanes<T>& a) {
  Lanes<T> result;
  for (size_t lane = 0; lane < 32; ++lane) result[lane] = -a[lane];
  return result;
}

}  // namespace kith::testing

#endif  // KITH_TESTS_SUPPORT_GPU_LANES_H_
