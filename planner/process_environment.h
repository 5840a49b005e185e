#pragma once

namespace cadastre {

/// Tells libraries, in programs that start from here on, what suits the passes of a network. Returns
/// whether any of it is new: a process can only be told as it starts, and has to start anew to have
/// it itself. Settings of the user's are left as they are.
///
/// - glibc's allocator keeps what is freed instead of giving it back to the kernel, which would
///   clear every page again the next time: activations come and go in the same sizes every step. And
///   it asks for huge pages: fewer translations, and fewer faults in a virtual machine whose small
///   pages are taken away while they are not used (`GLIBC_TUNABLES`).
/// - libgomp's threads look for more work for about a millisecond before they sleep
///   (`GOMP_SPINCOUNT`): from layer to layer they need not be woken, for which the kernel may put
///   them on the processor of the one that wakes them; and what else the process has to do is not
///   kept from its processors for long.
bool set_process_environment();

}  // namespace cadastre
