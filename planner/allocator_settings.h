#pragma once

namespace cadastre {

/// Has glibc's allocator, in programs that start from here on, keep what is freed instead of giving
/// it back to the kernel, which would clear every page again the next time: activations come and go
/// in the same sizes every step. And has it ask for huge pages: fewer translations, and fewer
/// faults in a virtual machine whose small pages are taken away while they are not used. Returns
/// whether that is new: a process can only be told as it starts (`GLIBC_TUNABLES`), and has to
/// start anew to have it itself. Settings of the user's are left as they are.
bool set_allocator_environment();

}  // namespace cadastre
