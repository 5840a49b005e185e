#include "executor/launch/interruption.h"

#include <csignal>
#include <cstring>
#include <string>

namespace cadastre {

namespace {

volatile std::sig_atomic_t interrupted_by = 0;
volatile std::sig_atomic_t num_signals = 0;
int num_alive = 0;

extern "C" void remember_signal(int signal) {
  interrupted_by = signal;
  num_signals = num_signals + 1;
}

}  // namespace

struct Interruption::Handlers {
  struct sigaction interrupt = {};
  struct sigaction terminate = {};
};

Interruption::Interruption() : old_(std::make_unique<Handlers>()) {
  if (num_alive++ == 0) num_signals = 0;
  struct sigaction action = {};
  action.sa_handler = remember_signal;
  ::sigaction(SIGINT, &action, &old_->interrupt);
  ::sigaction(SIGTERM, &action, &old_->terminate);
}

Interruption::~Interruption() {
  --num_alive;
  ::sigaction(SIGINT, &old_->interrupt, nullptr);
  ::sigaction(SIGTERM, &old_->terminate, nullptr);
}

int Interruption::count() { return num_signals; }

std::string Interruption::text() {
  return std::string("interrupted by ") + ::strsignal(interrupted_by);
}

}  // namespace cadastre
