#include "env/prompt.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <vector>

namespace crucible {
namespace {

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
  char text[512];
  std::va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

/// Length of the valid UTF-8 sequence at the start of `text`; 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  std::size_t length = lead < 0x80                   ? 1
                       : lead >= 0xC2 && lead < 0xE0 ? 2
                       : (lead >> 4) == 0xE          ? 3
                       : lead >= 0xF0 && lead < 0xF5 ? 4
                                                     : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (length == 3 && ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) >= 0xA0))) return 0;
  if (length == 4 && ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) >= 0x90))) return 0;
  return length;
}

constexpr std::string_view kCpuContract =
    R"(- One entry point with C linkage, named as the task, returning int: 0 = done; anything else refuses the call and the case counts as wrong.
- Tensors are DLTensor* (DLPack). The first element is at (char*)data + byte_offset. strides count elements. Read dtype: code 2 bits 32 is f32, code 4 bits 16 is bf16; one artifact serves every dtype. Sizes may be 0. Use int64_t for index * stride.
- A tensor marked ~ may be strided in any but its last dimension and may start at any element-aligned offset; other tensors are compact.
- Inputs are never written unless marked inout; outputs hold poison and are never read before they are written; not one byte outside them is written. No state that changes results between calls.
- Sums and statistics in fp32 or better, as accurate as production: one running fp32 sum over more than about 1,000 terms is not (use several accumulators or blocks). No fast-math. bf16 is rounded to nearest even.
- The text is all the code there is: no dlopen, no vendor math library, no file, socket or process; the C and C++ runtimes, intrinsics and OpenMP are available.
- Compiled with: g++ -std=c++20 -O3 -march=native -fopenmp -fPIC -shared. `stream` is NULL; the call is synchronous. Use only the cores of the CPU affinity; join the threads you start.)";

constexpr std::string_view kCudaContract =
    R"(- One entry point with C linkage, named as the task, returning int: 0 = done; anything else refuses the call and the case counts as wrong.
- Tensors are DLTensor* (DLPack) in device memory. The first element is at (char*)data + byte_offset. strides count elements. Read dtype: code 2 bits 32 is f32, code 2 bits 16 is f16, code 4 bits 16 is bf16; one artifact serves every dtype. Sizes may be 0. Use int64_t for index * stride.
- A tensor marked ~ may be strided in any but its last dimension and may start at any element-aligned offset; other tensors are compact.
- Inputs are never written unless marked inout; outputs hold poison and are never read before they are written; not one byte outside them is written. No state that changes results between calls.
- All work goes to `stream` (a cudaStream_t), or is forked from it and joined to it. On the hot path no host wait, no allocation, no read of device data on the host: a call may be captured into a graph.
- Sums and statistics in fp32 or better, no TF32 for f32, no fast-math. The text is all the code there is: no dlopen, no vendor math library, no run-time compilation or module loading.
- Compiled with: nvcc -std=c++20 -O3 for the device's own architecture.
- Or answer with device code alone, which is judged faster: no entry point, but each launch declared in order, one line each: `// crucible: launch KERNEL<T> grid=(E,E,E) block=(E,E,E) [shared=E] [cluster=(E,E,E)] args=(A, ...)`. E: integers, NAME.shape(i), NAME.stride(i) (of an axis that a call lacks: 1 and 0), sm_count, integer arguments, + - * / %, cdiv(a,b), min, max, a?b:c. A: a tensor's name (its first element's address), an E, or a floating scalar. T becomes float, __half or __nv_bfloat16.)";

void workload_table(const Task& task, std::string& text) {
  std::vector<const Workload*> shown;
  std::size_t hidden = 0;
  for (const Workload& workload : task.workloads) workload.hidden ? void(++hidden) : shown.push_back(&workload);
  double total = 0;
  for (const Workload* workload : shown) total += workload->timed ? workload->count : 0;
  for (const Workload* workload : shown) {
    text += "- " + workload->name + ": " + describe(*workload);
    text += workload->timed
                ? format("  (timed; %.3g %% of production's calls)\n", 100 * workload->count / std::max(total, 1e-300))
                : std::string("  (correctness only)\n");
  }
  if (hidden > 0) text += format("- and %zu hidden workloads that are checked for correctness only.\n", hidden);
}

}  // namespace

std::string describe(const Workload& workload) {
  std::string text;
  for (const auto& [axis, value] : workload.axes) text += axis + "=" + std::to_string(value) + " ";
  text += to_string(workload.dtype);
  for (const auto& [option, value] : workload.options) {
    text += " " + option;
    if (!value.empty() && value != "true" && value != "1") text += "=" + value;
  }
  return text;
}

std::string bounded_text(std::string_view text, std::size_t limit) {
  std::string clean;
  clean.reserve(std::min(text.size(), limit));
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = utf8_length(text.substr(at));
    const auto first = static_cast<unsigned char>(text[at]);
    const bool printable =
        length > 1 || (length == 1 && ((first >= 0x20 && first != 0x7F) || first == '\n' || first == '\t'));
    const std::size_t size = printable ? length : 1;
    if (clean.size() + size > limit) break;
    if (printable) {
      clean.append(text.substr(at, length));
    } else if (first != '\r') {
      clean.push_back('?');
    }
    at += std::max<std::size_t>(length, 1);
  }
  if (at < text.size()) {
    const std::string note = format("\n[%zu more bytes cut]", text.size() - at);
    while (!clean.empty() &&
           (clean.size() + note.size() > limit || (static_cast<unsigned char>(clean.back()) & 0xC0) == 0x80)) {
      clean.pop_back();  // continuation bytes go together with their lead byte
    }
    if (!clean.empty() && static_cast<unsigned char>(clean.back()) >= 0xC0) clean.pop_back();
    if (clean.size() + note.size() <= limit) clean += note;
  }
  return clean;
}

std::string quoted(std::string_view text, std::string_view prefix) {
  std::string result;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    result.append(prefix).append(text.substr(0, end)).push_back('\n');
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return result;
}

std::string prompt_text(const Task& task, const std::string& backend, const std::string& device) {
  const bool cuda = backend == "cuda";
  std::string text = "# Write a fast " + std::string(cuda ? "CUDA" : "C++") + " kernel: " + task.name + "\n\n";
  text += task.title + "\nBackend: " + backend + " (" + device + ").\n\n";
  text += "## Operation\n" + task.description + "\n\n";
  text += "## Entry point\n```cpp\n#include <crucible/kernel.h>  // DLTensor and its parts, nothing heavy\n" +
          task.entry_point + "\n```\n\n";
  text += "## Contract\n";
  text += cuda ? kCudaContract : kCpuContract;
  text += "\n";
  if (!task.rules.empty()) text += task.rules + "\n";
  text += "\n## Workloads\n";
  workload_table(task, text);
  text +=
      "\n## How it is judged\n"
      "Compiled and run in a jail, judged from outside: first correctness on many distributions and on hidden shapes, "
      "against an fp64 "
      "reference, as accurate as production libraries are; then speed, paired with the best production library of each "
      "workload, weighted "
      "by how often production calls it. A new idea earns a little more than a copy of a known optimization. Cheating "
      "costs more than "
      "failing honestly.\n"
      "Answer with the whole source text of one file.\n";
  if (!cuda && !task.seed_kernel.empty()) {
    text += "\n## A correct, slow kernel to begin from\n```cpp\n" + task.seed_kernel;
    if (task.seed_kernel.back() != '\n') text += "\n";
    text += "```\n";
  }
  return text;
}

}  // namespace crucible
