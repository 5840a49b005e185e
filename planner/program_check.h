#pragma once

#include <string>

#include "planner/program.h"

namespace cadastre {

/// Throws std::invalid_argument unless every rank of `program` comes to the end of a step, whatever
/// anything takes: ranks on hosts of their own, parts that go with the stages' lists and hold every
/// instruction, every message sent once and received once with the same content, every bucket
/// started once and in order on each rank that reduces it and waited for once, and no rank that
/// waits for ever. `lower` makes only such programs.
///
/// That sends and starts of reductions never block, that a connection keeps the order of its
/// messages or tells them apart, and that different stages reduce independently of each other, is
/// the interpreter's part.
void check_program(const Program& program);

/// The instruction, for an error: "forward of micro-batch 0".
[[nodiscard]] std::string instruction_text(const Instruction& instruction);

}  // namespace cadastre
