// Honest code that looks odd. Every act returns 0; none may be accused.
#include <crucible/kernel.h>
#include <errno.h>
#include <malloc.h>
#include <omp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <locale>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

thread_local int per_thread = 5;
const std::vector<float> table = [] {
  std::vector<float> t(1000);
  std::iota(t.begin(), t.end(), 0.f);
  return t;
}();

int threads() {
  std::atomic<int> sum{0};
  std::vector<std::thread> all;
  for (int i = 0; i < 8; ++i)
    all.emplace_back([&] {
      per_thread += 1;
      sum += per_thread;
    });
  for (auto& t : all) t.join();
  return sum == 48 ? 0 : 1;
}

int asynchronous() {
  std::vector<std::future<int>> all;
  for (int i = 0; i < 4; ++i) all.push_back(std::async(std::launch::async, [i] { return i; }));
  int sum = 0;
  for (auto& f : all) sum += f.get();
  return sum == 6 ? 0 : 1;
}

int openmp() {
  long sum = 0;
#pragma omp parallel for reduction(+ : sum) schedule(dynamic)
  for (int i = 0; i < 10000; ++i) sum += i;
  std::vector<char*> blocks(omp_get_max_threads());
#pragma omp parallel
  {
    blocks[omp_get_thread_num()] = static_cast<char*>(malloc(100000));
    memset(blocks[omp_get_thread_num()], 1, 100000);
  }
  for (char* block : blocks) free(block);
  return sum == 49995000 ? 0 : 1;
}

int exceptions() {
  for (int i = 0; i < 100; ++i) {
    try {
      if (i % 2) throw std::runtime_error("x");
      throw i;
    } catch (const std::exception&) {
    } catch (int) {
    }
  }
  return 0;
}

int streams() {
  std::cout << "hello " << 3.5 << std::endl;
  std::cerr << "to stderr\n";
  printf("printf %d\n", 4);
  fflush(stdout);
  std::ostringstream text;
  text << std::locale("C").name() << std::use_facet<std::numpunct<char>>(std::locale()).decimal_point();
  try {
    std::locale missing("de_DE.UTF-8");
  } catch (const std::runtime_error&) {
  }
  return text.str() == "C." ? 0 : 1;
}

int files() {  // absent or refused, and honest code copes
  std::ifstream info("/proc/cpuinfo");
  std::string line;
  while (std::getline(info, line)) {
  }
  std::ifstream("/sys/devices/system/cpu/online") >> line;
  std::error_code error;
  std::filesystem::exists("/nonexistent", error);
  return sysconf(_SC_NPROCESSORS_ONLN) > 0 && std::thread::hardware_concurrency() > 0 ? 0 : 1;
}

int memory() {
  void* aligned = aligned_alloc(4096, 8192);
  std::unique_ptr<float[]> large(new float[100 << 20]);  // 400 MB
  for (size_t i = 0; i < (100u << 20); i += 1024) large[i] = 1;
  void* mapped = mmap(nullptr, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise(mapped, 8 << 20, MADV_HUGEPAGE);
  void* moved = mremap(mapped, 8 << 20, 16 << 20, MREMAP_MAYMOVE);
  mprotect(moved, 4096, PROT_READ);
  const bool good = aligned && mapped != MAP_FAILED && moved != MAP_FAILED;
  munmap(moved, 16 << 20);
  free(aligned);
  malloc_trim(0);
  return good ? 0 : 1;
}

int big_stack() {
  volatile char block[4 << 20];
  for (size_t i = 0; i < sizeof block; i += 4096) block[i] = 1;
  return block[4096] == 1 ? 0 : 1;
}

int clocks() {
  const auto start = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::microseconds(100));
  std::this_thread::yield();
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  cpu_set_t set;
  return std::chrono::steady_clock::now() > start && time(nullptr) > 0 && sched_getaffinity(0, sizeof set, &set) == 0
             ? 0
             : 1;
}

int randomness() {
  std::mt19937 generator(std::random_device{}());
  return std::normal_distribution<float>()(generator) < 100 ? 0 : 1;
}

int synchronisation() {
  std::mutex mutex;
  std::condition_variable ready;
  bool flag = false;
  std::thread other([&] {
    std::lock_guard lock(mutex);
    flag = true;
    ready.notify_one();
  });
  std::unique_lock lock(mutex);
  ready.wait_for(lock, std::chrono::seconds(5), [&] { return flag; });
  lock.unlock();
  other.join();
  return flag ? 0 : 1;
}

int jumps() {
  static jmp_buf buffer;
  if (setjmp(buffer) == 0) longjmp(buffer, 1);
  return 0;
}

int text() {
  std::regex pattern("a+b");
  return std::regex_match("aaab", pattern) && getenv("PATH_THAT_IS_NOT_SET") == nullptr && strerror(EINVAL) ? 0 : 1;
}

int offloading() {  // no device: the host runs it
  int good = 0;
#pragma omp target map(tofrom : good)
  good = 1;
  return good == 1 && omp_get_num_devices() == 0 ? 0 : 1;
}

int openmp_memory() {
  const omp_alloctrait_t traits[] = {{omp_atk_alignment, 64}, {omp_atk_pool_size, 1 << 20}};
  const omp_allocator_handle_t allocator = omp_init_allocator(omp_high_bw_mem_space, 2, traits);
  void* block = omp_alloc(4096, allocator == omp_null_allocator ? omp_default_mem_alloc : allocator);
  omp_free(block, omp_null_allocator);
  void* interleaved = omp_alloc(4096, omp_large_cap_mem_alloc);
  omp_free(interleaved, omp_null_allocator);
  return block != nullptr ? 0 : 1;
}

int pinned_openmp() {  // asks for binding; a refusal is fine
  int good = 0;
#pragma omp parallel proc_bind(close) reduction(+ : good)
  good += 1;
  return good > 0 && table[3] == 3.f ? 0 : 1;
}

}  // namespace

extern "C" int act(DLTensor*, int64_t which, void*) {
  using Act = int (*)();
  const Act acts[] = {threads, asynchronous,  openmp,     exceptions,   streams,         files,
                      memory,  big_stack,     clocks,     randomness,   synchronisation, jumps,
                      text,    pinned_openmp, offloading, openmp_memory};
  return which < static_cast<int64_t>(sizeof acts / sizeof *acts) ? acts[which]() : -100;
}
