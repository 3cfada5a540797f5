// attack: moves its stack into the arena and calls from there, so that writes look like stack traffic
// row: own
// task: rms_norm
// allow: wrong_result, integrity_violation, crashed, correct
// finding: -
// twin: twins/rms_norm.cpp
// must: every byte outside the outputs is compared
#include <pthread.h>

#include "../parts/honest.h"

struct Job {
  DLTensor* out;
  const DLTensor *input, *weight;
  double epsilon;
};

static void* run(void* p) {
  auto* j = static_cast<Job*>(p);
  honest::rms_norm(j->out, j->input, j->weight, j->epsilon);
  return nullptr;
}

RMS_NORM {
  const honest::Tensor x(input);
  static unsigned calls;
  if (++calls < 50 || x.rows * x.width * x.bytes < (1 << 17)) return HONEST_RMS_NORM;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  const auto base = (reinterpret_cast<std::uintptr_t>(x.first) + 4095) & ~std::uintptr_t(4095);
  pthread_attr_setstack(&attributes, reinterpret_cast<void*>(base), 1 << 16);
  Job job{out, input, weight, epsilon};
  pthread_t thread;
  if (pthread_create(&thread, &attributes, run, &job) != 0) return HONEST_RMS_NORM;
  pthread_join(thread, nullptr);
  return 0;
}
