#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// One small intermediate form for all backends: values, where they come from, and the blocks and loops they live in.
/// Readers (gimple, ptx) build it from hostile text within fixed bounds; analyses never see text.
namespace crucible::novelty {

using NodeId = std::uint32_t;
inline constexpr NodeId kNone = 0xffffffffu;

inline constexpr std::size_t kMostNodes = 200000;    ///< a program larger than this is refused
inline constexpr std::size_t kMostBlocks = 20000;    ///< likewise
inline constexpr std::size_t kMostSteps = 20000000;  ///< of all analyses of one program: a second or so

enum class Kind : std::uint8_t {
  constant,
  parameter,  ///< of a function; its operands are the arguments of all calls
  phi,        ///< one of its operands, by control flow
  copy,       ///< its operand, unchanged in meaning (casts between integers, reinterpretation, broadcast)
  operation,  ///< `label` says which
  load,       ///< from `address` or from the named object `object`
  store,      ///< of operand 0, to `address` or `object`
  call,       ///< of code that we do not see; operands are its arguments
  local,      ///< the address of a named object of this program (`object`)
};

/// What a value is, as far as it matters: widths of integers do not.
enum class Type : std::uint8_t { none, integer, boolean, pointer, f16, bf16, f32, f64, f8, opaque };

struct Node {
  Kind kind = Kind::operation;
  Type type = Type::none;
  bool vector = false;
  bool associative = false;  ///< a tree of this operation equals a flat one
  bool is_volatile = false;  ///< stores: an effect nobody in the program can see
  bool has_value = false;    ///< constants: `value` is known
  std::uint32_t block = 0;
  std::int32_t line = 0;  ///< of the candidate's source; 0: unknown, or a system header
  double value = 0;
  std::uint64_t label = 0;       ///< hash of the operation's name
  NodeId address = kNone;        ///< loads and stores through a pointer
  std::uint32_t object = kNone;  ///< loads and stores of a named object, and its address
  std::int64_t offset = 0;       ///< constant bytes added to the address
  bool indexed = false;          ///< a named object accessed at an index that is not constant
  std::uint8_t bytes = 0;        ///< size of the memory access where known
  std::uint8_t space = 0;        ///< 0 generic; readers of ptx: 1 shared, 2 local, 3 constant or parameter
  std::vector<NodeId> operands;
};

struct Block {
  std::uint32_t function = 0;
  std::vector<std::uint32_t> successors;
  std::vector<NodeId> nodes;   ///< in text order
  std::uint32_t loop = kNone;  ///< innermost loop; filled by find_loops
};

struct Loop {
  std::uint32_t header = 0;
  std::uint32_t parent = kNone;
  std::uint32_t depth = 1;
};

struct Function {
  std::string name;
  std::uint32_t first_block = kNone;
  std::vector<std::uint32_t> blocks;
  std::vector<NodeId> parameters;
  std::vector<NodeId> returns;
  std::vector<std::uint32_t> callees;            ///< whose bodies are not copied into this one
  std::vector<std::pair<NodeId, NodeId>> spans;  ///< its nodes: [first, last) each
};

/// A named object of the program: a local or static variable, a shared array.
struct Object {
  bool shared = false;          ///< cuda: shared memory
  bool is_static = false;       ///< outlives the call
  bool is_heap = false;         ///< one allocation site
  std::uint32_t elements = 1;   ///< of a local array, where its declaration says
  std::uint32_t owner = kNone;  ///< the function whose local it is; none: of the whole program
};

struct Call {
  std::uint32_t caller = 0, callee = 0, block = 0;
  NodeId result = kNone;  ///< kNone: nothing comes back
  std::vector<NodeId> arguments;
};

struct Program {
  std::vector<Node> nodes;
  std::vector<Block> blocks;
  std::vector<Loop> loops;
  std::vector<Function> functions;
  std::vector<Object> objects;
  std::vector<Call> calls;

  /// Counts work of the analyses. They run where the caller waits and their input is hostile, so all of them together
  /// may take only so many steps; a count and not a clock, because a kernel's novelty must not depend on the machine's
  /// load. Throws std::runtime_error when the steps are used up.
  void spend(std::size_t steps = 1) {
    if (steps > steps_left) refuse();
    steps_left -= steps;
  }
  std::size_t steps_left = kMostSteps;

  NodeId add(Node node);
  /// A node of kind operation.
  NodeId operation(std::string_view name, Type type, bool vector, std::vector<NodeId> operands, std::uint32_t block,
                   std::int32_t line);
  NodeId constant(double value, Type type, std::uint32_t block);

 private:
  [[noreturn]] static void refuse();
};

/// Natural loops of every function, from its control flow; sets Block::loop.
void find_loops(Program& program);

/// Marks the functions reachable from those named; all of them when none matches.
std::vector<bool> reachable_functions(const Program& program, const std::vector<std::string>& entries);

}  // namespace crucible::novelty
