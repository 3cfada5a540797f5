#include "env/pool/fair_queue.h"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <vector>

using crucible::FairQueue;

TEST_CASE("equal claims are served in the order they came") {
  FairQueue<int> queue;
  for (int i = 0; i < 5; ++i) queue.push(i, 0, 0);
  for (int i = 0; i < 5; ++i) CHECK(queue.pop() == i);
  CHECK(queue.empty());
}

TEST_CASE("higher priority goes first, whoever came before and whoever was served more") {
  FairQueue<int> queue;
  queue.push(1, 0, 0);
  queue.push(2, 5, 1000);
  queue.push(3, -1, 0);
  CHECK(queue.first_priority() == 5);
  CHECK(queue.pop() == 2);
  CHECK(queue.pop() == 1);
  CHECK(queue.pop() == 3);
}

TEST_CASE("who used much waits until the others have used as much") {
  // Owner 0 takes 10 s a time, the others 1 s: each must get an equal share of the seconds.
  FairQueue<int> queue;
  std::vector<double> served(4, 0.0);
  for (int owner = 0; owner < 4; ++owner) queue.push(owner, 0, served[static_cast<std::size_t>(owner)]);
  for (int step = 0; step < 400; ++step) {
    const int owner = queue.pop();
    const auto at = static_cast<std::size_t>(owner);
    served[at] += owner == 0 ? 10.0 : 1.0;
    queue.push(owner, 0, served[at]);
  }
  for (std::size_t owner = 1; owner < 4; ++owner) CHECK(served[owner] == doctest::Approx(served[0]).epsilon(0.2));
}

TEST_CASE("nobody saves up: an owner that comes late does not take everything until it has caught up") {
  FairQueue<int> queue;
  double busy = 0;
  for (int step = 0; step < 100; ++step) {
    queue.push(7, 0, busy);
    CHECK(queue.pop() == 7);
    busy += 1;
  }
  double late = 0;
  queue.push(7, 0, busy);
  queue.push(8, 0, late);
  int turns_of_the_old = 0;
  for (int step = 0; step < 20; ++step) {
    const int owner = queue.pop();
    turns_of_the_old += owner == 7;
    double& served = owner == 7 ? busy : late;
    served = std::max(served, 99.0) + 1;
    queue.push(owner, 0, served);
  }
  CHECK(turns_of_the_old >= 8);
}

TEST_CASE("what was withdrawn is not served, and only once can it be withdrawn") {
  FairQueue<int> queue;
  queue.push(1, 0, 0);
  queue.push(2, 0, 0);
  CHECK(queue.remove(1));
  CHECK_FALSE(queue.remove(1));
  CHECK(queue.size() == 1);
  CHECK(queue.pop() == 2);
}

TEST_CASE("raising moves forward only") {
  FairQueue<int> queue;
  queue.push(1, 3, 0);
  queue.push(2, 0, 0);
  queue.raise(2, 9);
  queue.raise(1, 1);
  queue.raise(77, 5);  // not here: nothing happens
  CHECK(queue.pop() == 2);
  CHECK(queue.first_priority() == 3);
}

TEST_CASE("random use loses nothing and repeats nothing") {
  std::mt19937 random(20);
  FairQueue<int> queue;
  std::set<int> inside;
  int next = 0;
  for (int step = 0; step < 5000; ++step) {
    const auto what = random() % 10;
    if (what < 5) {
      queue.push(next, static_cast<int>(random() % 3), static_cast<double>(random() % 100));
      inside.insert(next++);
    } else if (what < 8 && !inside.empty()) {
      CHECK(inside.erase(queue.pop()) == 1);
    } else if (!inside.empty()) {
      const int victim = *std::next(inside.begin(), static_cast<long>(random() % inside.size()));
      if (what == 8) {
        CHECK(queue.remove(victim));
        inside.erase(victim);
      } else {
        queue.raise(victim, static_cast<int>(random() % 5));
      }
    }
    CHECK(queue.size() == inside.size());
  }
}
