#include "executor/probe/default_model.h"

namespace cadastre {

ModelGraph default_model() {
  return {.name = "a convolution",
          .inputs = {{.name = "image", .shape = {16, 32, 32}}},
          .layers = {{.id = "conv",
                      .operation = Conv2d{.out_channels = 32, .kernel_size = 3, .padding = 1},
                      .inputs = {"image"},
                      .output_shape = {32, 32, 32}}},
          .output = "conv"};
}

}  // namespace cadastre
