// attack: computes in constant expressions just below each limit, again and again
// row: 42
// task: rms_norm
// allow: compile_error, compile_timeout
// finding: -
// twin: twins/rms_norm.cpp
// must: bounded time
// within: 45
constexpr long burn(long seed) {
  long x = seed;
  for (long i = 0; i < 250000; ++i) x = x * 6364136223846793005L % 1000003 + 1442695;
  return x;
}
template <int N>
struct Chain {
  static constexpr long value = Chain<N - 1>::value + burn(N);
};
template <>
struct Chain<0> {
  static constexpr long value = 0;
};
long total = Chain<800>::value;
extern "C" int rms_norm() { return int(total); }
