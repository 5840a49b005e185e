#pragma once

#include "planner/profile.h"
#include "tests/support/worlds.h"

namespace cadastre::test {

/// Two layers, each of which takes `small_s` either way for 4 samples and `large_s` for 8.
inline Profile two_sizes(double small_s, double large_s) {
  Profile profile = worlds::chain({1, 1});
  for (LayerProfile& layer : profile.layers)
    layer.measurements = {{.batch_size = 4, .forward_s = small_s, .backward_s = small_s},
                          {.batch_size = 8, .forward_s = large_s, .backward_s = large_s}};
  return profile;
}

}  // namespace cadastre::test
