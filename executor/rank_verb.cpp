#include <CLI/CLI.hpp>
#include <memory>
#include <stdexcept>

#include "executor/communicator.h"
#include "executor/local_launcher.h"
#include "executor/rank_channel.h"
#include "executor/rank_environment.h"
#include "executor/rank_job.h"
#include "executor/verbs.h"
#include "planner/error.h"

namespace cadastre {

namespace {

/// What went wrong goes to the launcher, which knows the whole; the status says it again.
RankMessage error_message(RankMessage::Kind kind, const std::exception& error) {
  RankMessage message;
  message.kind = kind;
  message.text = error.what();
  return message;
}

}  // namespace

void report_to_launcher(const std::function<void()>& work) {
  constexpr int kFailed = 1;
  constexpr int kWrongRequest = 2;
  int status = 0;
  try {
    work();
  } catch (const InputError& error) {
    tell_launcher(error_message(RankMessage::Kind::kInputError, error));
    status = kWrongRequest;
  } catch (const PeerLostError& error) {
    tell_launcher(error_message(RankMessage::Kind::kPeerLost, error));
    status = kFailed;
  } catch (const std::exception& error) {
    tell_launcher(error_message(RankMessage::Kind::kError, error));
    status = kFailed;
  }
  // Gloo's threads may still hold sockets to ranks that are gone: nothing is left to be torn down.
  std::_Exit(status);
}

void add_rank_verb(CLI::App& program) {
  const auto job = std::make_shared<RankJob>();
  CLI::App* app = program.add_subcommand("rank", "One rank of a run; started by `cadastre run`");
  app->group("");  // not in the help
  app->add_option("--plan", job->plan)->required();
  app->add_option("--data", job->scene)->required();
  app->add_option("--rasters", job->rasters);
  app->add_option("--parts", job->parts)->required();
  app->add_option("--threads", job->num_threads);
  add_training_options(*app, job->training);
  app->callback([job] {
    become_rank();
    report_to_launcher([&] {
      job->environment = rank_environment();
      run_rank(*job);
    });
  });
}

}  // namespace cadastre
