#include "planner/placement/downset_table.h"

#include <algorithm>

namespace cadastre {

namespace {

constexpr std::size_t kFirstSlots = 256;

std::uint64_t hash_of(std::span<const std::uint64_t> words) {
  // The mixing steps of splitmix64 (Steele et al. 2014), word after word.
  std::uint64_t hash = 0x9E3779B97F4A7C15U;
  for (const std::uint64_t word : words) {
    hash ^= word;
    hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9U;
    hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBU;
    hash ^= hash >> 31;
  }
  return hash;
}

}  // namespace

DownsetTable::DownsetTable(std::size_t num_groups)
    : num_words_((num_groups + 63) / 64), slots_(kFirstSlots, kNone) {}

std::size_t DownsetTable::slot_of(std::span<const std::uint64_t> wanted) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash_of(wanted) & mask;
  while (slots_[slot] != kNone) {
    const std::span<const std::uint64_t> found = words(slots_[slot]);
    if (std::equal(found.begin(), found.end(), wanted.begin())) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

void DownsetTable::grow() {
  slots_.assign(slots_.size() * 2, kNone);
  for (std::uint32_t d = 0; d < first_way_.size(); ++d) slots_[slot_of(words(d))] = d;
}

std::uint32_t DownsetTable::add(std::span<const std::uint64_t> words,
                                std::uint32_t num_accelerators, std::uint32_t num_cpus,
                                std::uint32_t parent) {
  const std::size_t slot = slot_of(words);
  std::uint32_t downset = slots_[slot];
  const auto way = static_cast<std::uint32_t>(ways_.size());
  std::uint32_t next_way = kNone;
  if (downset == kNone) {
    downset = static_cast<std::uint32_t>(first_way_.size());
    words_.insert(words_.end(), words.begin(), words.end());
    first_way_.push_back(way);
    slots_[slot] = downset;
  } else {
    for (std::uint32_t w = first_way_[downset]; w != kNone; w = ways_[w].next_way)
      if (ways_[w].num_accelerators <= num_accelerators && ways_[w].num_cpus <= num_cpus)
        return kNone;
    next_way = first_way_[downset];
    first_way_[downset] = way;
  }
  ways_.push_back({.downset = downset,
                   .num_accelerators = num_accelerators,
                   .num_cpus = num_cpus,
                   .parent = parent,
                   .next_way = next_way});
  if (first_way_.size() * 2 > slots_.size()) grow();
  return way;
}

std::size_t DownsetTable::num_bytes() const {
  return words_.capacity() * sizeof(std::uint64_t) + ways_.capacity() * sizeof(Way) +
         (first_way_.capacity() + slots_.capacity()) * sizeof(std::uint32_t);
}

}  // namespace cadastre
