#pragma once

// The one place where the two major versions of Catch2 differ.
#if CADASTRE_CATCH2_VERSION == 2
#include <catch2/catch.hpp>
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
#else
#include <catch2/catch_all.hpp>
using Catch::Approx;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
#endif
