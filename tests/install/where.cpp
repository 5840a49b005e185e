// Prints where a program takes its scenarios from.

#include <iostream>

#include "planner/files.h"

int main() { std::cout << cadastre::scenario_directory().string(); }
