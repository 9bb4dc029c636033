/// A shared library, written at run time and without a compiler, whose functions are Java methods.
///
/// The library and the stubs behind it stay for as long as the process does. Calls come from any thread.
@NullMarked
package io.moetier.emulator.driver.trampoline;

import org.jspecify.annotations.NullMarked;
