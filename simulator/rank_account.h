#pragma once

namespace cadastre {

/// Where a rank's seconds went; they sum to the time that was accounted for.
struct RankDivision {
  double compute_s = 0;
  double receiving_s = 0;  ///< blocked, while what it waits for is on the network
  double sending_s = 0;    ///< blocked otherwise, while something of its own is on the network
  double waiting_s = 0;    ///< blocked, with nothing on the network
};

/// The account of one rank. Every change of its state is told with the time at which it happens.
class RankAccount {
 public:
  void open(double now_s) {
    is_open_ = true;
    since_s_ = now_s;
  }

  /// One more of what the rank does at the same time computes (1), or one less (-1).
  void compute(double now_s, int change) {
    settle(now_s);
    num_computing_ += change;
  }

  /// What the rank waits for is, or is no longer, on the network.
  void awaited_on_network(double now_s, bool is_there) {
    settle(now_s);
    awaited_on_network_ = is_there;
  }

  /// A message of the rank's has been posted (1), or has arrived (-1).
  void sent_on_network(double now_s, int change) {
    settle(now_s);
    num_sent_on_network_ += change;
  }

  /// The rank was ended: nothing of it is anywhere.
  void reset(double now_s) {
    settle(now_s);
    awaited_on_network_ = false;
    num_computing_ = num_sent_on_network_ = 0;
  }

  [[nodiscard]] bool is_open() const { return is_open_; }

  /// Of the time from when it was opened.
  [[nodiscard]] const RankDivision& division_by(double now_s) {
    settle(now_s);
    return division_;
  }

 private:
  void settle(double now_s) {
    if (is_open_) {
      double& seconds = num_computing_ > 0         ? division_.compute_s
                        : awaited_on_network_      ? division_.receiving_s
                        : num_sent_on_network_ > 0 ? division_.sending_s
                                                   : division_.waiting_s;
      seconds += now_s - since_s_;
    }
    since_s_ = now_s;
  }

  RankDivision division_;
  bool is_open_ = false;
  bool awaited_on_network_ = false;
  int num_computing_ = 0;
  int num_sent_on_network_ = 0;
  double since_s_ = 0;
};

}  // namespace cadastre
