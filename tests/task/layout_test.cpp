#include <doctest/doctest.h>

#include <map>

#include "env/task/bytes.h"
#include "env/task/declaration.h"
#include "env/task/task.h"

namespace crucible {
namespace {

ArgumentDeclaration tensor(const std::string& name, const std::vector<std::string>& shape, bool strided) {
  ArgumentDeclaration argument;
  argument.name = name;
  for (const std::string& extent : shape) argument.shape.push_back(Extent::parse(extent));
  argument.strided = strided;
  return argument;
}

Workload workload(std::vector<std::pair<std::string, std::int64_t>> axes, std::map<std::string, std::string> options) {
  Workload result;
  result.name = "test";
  result.axes = std::move(axes);
  result.options = std::move(options);
  return result;
}

TensorLayout placed(const std::vector<std::int64_t>& shape, const std::string& layout,
                    const std::string& offset = "0") {
  std::vector<std::pair<std::string, std::int64_t>> axes;
  std::vector<std::string> extents;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    axes.emplace_back("a" + std::to_string(i), shape[i]);
    extents.push_back(axes.back().first);
  }
  return lay_out({tensor("x", extents, true)}, workload(axes, {{"layout", layout}, {"offset", offset}}))
      .arguments[0]
      .tensor;
}

using Strides = std::vector<std::int64_t>;

TEST_CASE("extents are products; optional ones vanish with their axis") {
  const Workload w = workload({{"W", 3}, {"page", 16}}, {});
  CHECK(Extent::parse("2*W * page").value(w) == 96);
  CHECK(Extent::parse("7").value(w) == 7);
  CHECK(evaluate({Extent::parse("(rows)"), Extent::parse("(W)"), Extent::parse("page")}, w) == Strides{3, 16});
  CHECK_THROWS_AS(Extent::parse("2+W"), std::invalid_argument);
  CHECK_THROWS_AS(Extent::parse("2**W"), std::invalid_argument);
  CHECK_THROWS_AS(Extent::parse(""), std::invalid_argument);
  CHECK_THROWS_WITH_AS(Extent::parse("D").value(w), "workload 'test' has no axis 'D'", std::out_of_range);
}

TEST_CASE("each layout has the strides it promises") {
  CHECK(placed({2, 3, 4}, "compact").strides == Strides{12, 4, 1});
  CHECK(placed({2, 3, 4}, "slice").strides == Strides{36, 12, 1});
  CHECK(placed({2, 3, 4}, "slice").byte_offset == 16);  // the middle third
  CHECK(placed({2, 3, 4}, "padded").strides == Strides{30, 9, 1});
  CHECK(placed({2, 3, 4}, "permuted").strides == Strides{4, 8, 1});
  CHECK(placed({5, 2, 3, 4}, "hnd").strides == Strides{24, 4, 8, 1});
  CHECK(placed({3, 4}, "transposed").strides == Strides{1, 3});
  CHECK(placed({3, 4}, "transposed_padded").strides == Strides{1, 6});
  CHECK(placed({4}, "slice").strides == Strides{1});
  CHECK(placed({2, 4}, "padded", "3").byte_offset == 12);
  CHECK_THROWS_AS(placed({2, 3, 4}, "hnd"), std::invalid_argument);
}

TEST_CASE("a storage holds exactly its tensors and their siblings") {
  const auto bytes = [](const std::string& layout) {
    return lay_out({tensor("x", {"R", "D"}, true)}, workload({{"R", 3}, {"D", 4}}, {{"layout", layout}}))
        .storages[0]
        .bytes;
  };
  CHECK(bytes("compact") == 3 * 4 * 4);
  CHECK(bytes("slice") == 3 * 12 * 4);        // whole rows of the fused projection
  CHECK(bytes("padded") == (2 * 9 + 4) * 4);  // nothing behind the last element
  const CallLayout empty = lay_out({tensor("x", {"R", "D"}, true)}, workload({{"R", 0}, {"D", 4}}, {{"offset", "3"}}));
  CHECK(empty.storages[0].bytes == 0);
  CHECK(empty.arguments[0].tensor.byte_offset == 0);
}

TEST_CASE("tensors of a group interleave in one storage, with bytes of nobody behind them") {
  std::vector<ArgumentDeclaration> arguments{tensor("query", {"T", "4*h"}, true), tensor("key", {"T", "h"}, true),
                                             tensor("table", {"h"}, false)};
  arguments[0].group = arguments[1].group = "qkv";
  const CallLayout fused = lay_out(arguments, workload({{"T", 3}, {"h", 8}}, {{"layout", "fused"}, {"offset", "2"}}));
  const TensorLayout &query = fused.arguments[0].tensor, &key = fused.arguments[1].tensor;
  CHECK(query.storage == key.storage);
  CHECK(query.strides == Strides{32 + 8 + 64, 1});
  CHECK(key.strides == query.strides);
  CHECK(query.byte_offset == 8);
  CHECK(key.byte_offset == 8 + 32 * 4);
  CHECK(fused.storages[query.storage].bytes == 8 + 3 * 104 * 4);
  CHECK(fused.arguments[2].tensor.byte_offset == 64);  // compact tensors stay aligned
  ByteRanges both = bytes_of(query);
  for (const ByteRange& range : bytes_of(key))
    for (const ByteRange& other : both) CHECK((range.end <= other.begin || range.begin >= other.end));
  arguments[1].optional = true;
  const CallLayout alone = lay_out(arguments, workload({{"T", 3}, {"h", 8}}, {{"layout", "fused"}, {"absent", "key"}}));
  CHECK(alone.arguments[1].kind == Argument::Kind::absent_tensor);
  CHECK(alone.arguments[0].tensor.strides == Strides{32 + 64, 1});
}

TEST_CASE("scalars come from the declaration, from axes, or from the workload's options") {
  ArgumentDeclaration scale, size;
  scale.name = "scale";
  scale.kind = Argument::Kind::float64;
  scale.scalar = "rsqrt(h)";
  size.name = "head_size";
  size.kind = Argument::Kind::int64;
  size.scalar = "h";
  const CallLayout layout = lay_out({scale, size}, workload({{"h", 16}}, {}));
  CHECK(layout.arguments[0].real == 0.25);
  CHECK(layout.arguments[1].integer == 16);
  CHECK(lay_out({scale, size}, workload({{"h", 16}}, {{"scale", "0.3"}})).arguments[0].real == 0.3);
  scale.scalar = "half";
  CHECK_THROWS_WITH_AS(lay_out({scale}, workload({}, {})), "scale: 'half' is neither a number nor rsqrt(AXIS)",
                       std::invalid_argument);
}

}  // namespace
}  // namespace crucible
