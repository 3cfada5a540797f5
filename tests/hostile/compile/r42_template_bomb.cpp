// attack: doubles template instances at every level
// row: 42
// task: softmax
// allow: compile_error, compile_timeout
// finding: -
// twin: twins/softmax.cpp
// must: bounded time, memory and diagnostics
// within: 45
template <int N, int M>
struct Bomb {
  static constexpr int value = Bomb<N - 1, 2 * M>::value + Bomb<N - 1, 2 * M + 1>::value;
};
template <int M>
struct Bomb<0, M> {
  static constexpr int value = 1;
};
int bomb = Bomb<26, 0>::value;
extern "C" int softmax() { return bomb; }
