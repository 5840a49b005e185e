#include "executor/all_reduce.h"

#include <algorithm>
#include <utility>

#include "executor/wire_format.h"

namespace cadastre {

namespace {

/// A multiple of the 8 bytes at which pieces are cut, and well above what a message costs.
constexpr std::int64_t kSegmentBytes = 512 * 1024;

/// Enough that the network always has somewhere to put what comes.
constexpr std::int64_t kReceivesAhead = 8;

}  // namespace

TensorAllReduce::TensorAllReduce(const Collective& collective, AllReducePlace place,
                                 at::Tensor values, const at::Tensor& scratch)
    : place_(std::move(place)),
      values_(std::move(values)),
      wire_values_(place_.wire == values_.scalar_type()
                       ? values_
                       : at::empty(values_.sizes(), values_.options().dtype(place_.wire))),
      scratch_(scratch),
      request_(at::empty({0}, at::kByte)) {
  const int self = place_.place;
  const auto sends = [&](int round) {
    return round < collective.num_rounds() ? segments(collective.sends(self, round), true)
                                           : std::vector<Segment>();
  };
  for (const Segment& segment : sends(0)) add_send(segment);
  for (int round = 0; round < collective.num_rounds(); ++round)
    add_round(segments(collective.receives(self, round), false), sends(round + 1));
}

at::Tensor TensorAllReduce::make_scratch() {
  return at::empty({kReceivesAhead * kSegmentBytes}, at::kByte);
}

bool TensorAllReduce::overlap(const Segment& a, const Segment& b) {
  return a.begin < b.end && b.begin < a.end;
}

/// The messages of a round, cut, the first segments of all before the second ones.
std::vector<TensorAllReduce::Segment> TensorAllReduce::segments(
    const std::vector<CollectiveMessage>& messages, bool sent) const {
  const auto element_bytes = static_cast<std::int64_t>(wire_values_.element_size());
  const auto buffer_bytes = static_cast<std::int64_t>(wire_values_.nbytes());
  std::vector<Segment> cut;
  for (const CollectiveMessage& message : messages) {
    Segment segment{
        .rank = place_.ranks[static_cast<std::size_t>(sent ? message.to : message.from)],
        .adds = message.adds};
    if (message.first_piece == message.end_piece) {
      cut.push_back(segment);
      continue;
    }
    const std::int64_t end = message.end(buffer_bytes);
    for (std::int64_t begin = message.begin(buffer_bytes); begin < end; begin += kSegmentBytes) {
      segment.begin = begin / element_bytes;
      segment.end = std::min(begin + kSegmentBytes, end) / element_bytes;
      cut.push_back(segment);
    }
  }
  std::stable_sort(cut.begin(), cut.end(),
                   [](const Segment& a, const Segment& b) { return a.begin < b.begin; });
  return cut;
}

/// What comes in a round, and between it what goes in the next, each segment as soon as it can.
void TensorAllReduce::add_round(const std::vector<Segment>& receives,
                                const std::vector<Segment>& next_sends) {
  auto send = next_sends.begin();
  for (std::size_t i = 0; i < receives.size(); ++i) {
    add_receive(receives[i]);
    // In their order, which is the one in which the other side waits for them. What nothing here
    // is about waits for the end of the round.
    const auto is_ready = [&](const Segment& segment) {
      const auto is_of_it = [&](const Segment& received) { return overlap(received, segment); };
      const auto next = receives.begin() + static_cast<std::ptrdiff_t>(i) + 1;
      return std::any_of(receives.begin(), next, is_of_it) &&
             std::none_of(next, receives.end(), is_of_it);
    };
    for (; send != next_sends.end() && is_ready(*send); ++send) add_send(*send);
  }
  for (; send != next_sends.end(); ++send) add_send(*send);
}

void TensorAllReduce::add_send(const Segment& segment) {
  Action action{.kind = ActionKind::kSend, .rank = segment.rank};
  const std::int64_t size = segment.end - segment.begin;
  if (size == 0) {
    action.moved = request_;
  } else {
    action.moved = wire_values_.narrow(0, segment.begin, size);
    action.values = values_.narrow(0, segment.begin, size);
    action.adds = segment.adds;
    action.rounds = !wire_values_.is_same(values_) && !is_on_wire(segment);
    if (action.rounds) on_wire_.push_back(segment);
  }
  actions_.push_back(std::move(action));
}

/// Whether the wire's copy of these numbers is up to date: they came so, or were sent before.
bool TensorAllReduce::is_on_wire(const Segment& segment) const {
  return std::any_of(on_wire_.begin(), on_wire_.end(), [&](const Segment& known) {
    return known.begin <= segment.begin && segment.end <= known.end;
  });
}

void TensorAllReduce::add_receive(const Segment& segment) {
  Action action{.kind = ActionKind::kReceive, .rank = segment.rank, .adds = segment.adds};
  const std::int64_t size = segment.end - segment.begin;
  if (size == 0) {
    action.moved = request_;
  } else {
    action.values = values_.narrow(0, segment.begin, size);
    const auto slot = static_cast<std::int64_t>(receives_.size()) % kReceivesAhead;
    action.moved = segment.adds
                       ? scratch_
                             .narrow(0, slot * kSegmentBytes,
                                     size * static_cast<std::int64_t>(wire_values_.element_size()))
                             .view(wire_values_.scalar_type())
                       : wire_values_.narrow(0, segment.begin, size);
  }
  std::erase_if(on_wire_, [&](const Segment& known) { return overlap(known, segment); });
  if (!segment.adds) on_wire_.push_back(segment);
  receives_.push_back(actions_.size());
  actions_.push_back(std::move(action));
}

void TensorAllReduce::run(Communicator& communicator) {
  if (!place_.contributes) values_.zero_();
  std::vector<int> sends;
  std::vector<int> numbers(receives_.size());
  std::size_t next_to_post = 0;
  std::size_t num_received = 0;
  const auto post_receives = [&] {
    const std::size_t end =
        std::min(receives_.size(), num_received + static_cast<std::size_t>(kReceivesAhead));
    for (; next_to_post < end; ++next_to_post) {
      const Action& receive = actions_[receives_[next_to_post]];
      numbers[next_to_post] = communicator.post_receive(receive.moved, receive.rank, place_.tag);
    }
  };
  post_receives();
  for (const Action& action : actions_) {
    if (action.kind == ActionKind::kSend) {
      if (action.rounds) to_wire(action.values, action.moved);
      // A finished piece: what all others get is what stays here.
      if (action.rounds && !action.adds) from_wire(action.moved, action.values);
      sends.push_back(communicator.post_send(action.moved, action.rank, place_.tag));
    } else {
      communicator.wait(numbers[num_received++]);
      finish(action);
      post_receives();
    }
  }
  for (const int number : sends) communicator.wait(number);
}

void TensorAllReduce::finish(const Action& receive) {
  if (!receive.values.defined()) return;
  if (receive.adds)
    add_received(receive.moved, receive.values);
  else if (!wire_values_.is_same(values_))
    from_wire(receive.moved, receive.values);
}

}  // namespace cadastre
