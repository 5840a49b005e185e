#include "executor/launch/interruption.h"

#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>

namespace cadastre {

namespace {

volatile std::sig_atomic_t interrupted_by = 0;

extern "C" void remember_signal(int signal) { interrupted_by = signal; }

}  // namespace

struct Interruption::Handlers {
  struct sigaction interrupt = {};
  struct sigaction terminate = {};
};

Interruption::Interruption() : old_(std::make_unique<Handlers>()) {
  interrupted_by = 0;
  struct sigaction action = {};
  action.sa_handler = remember_signal;
  ::sigaction(SIGINT, &action, &old_->interrupt);
  ::sigaction(SIGTERM, &action, &old_->terminate);
}

Interruption::~Interruption() {
  ::sigaction(SIGINT, &old_->interrupt, nullptr);
  ::sigaction(SIGTERM, &old_->terminate, nullptr);
}

void Interruption::check() {
  if (interrupted_by != 0)
    throw std::runtime_error(std::string("interrupted by ") + ::strsignal(interrupted_by) +
                             "; the ranks were ended");
}

}  // namespace cadastre
