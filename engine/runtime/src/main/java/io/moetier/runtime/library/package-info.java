/// Models by the names that people give them: found, imported on first use into a cache with bounded room, loaded.
///
/// Threads: what is here is confined to the thread that uses it, but the engine of a loaded model.
@NullMarked
package io.moetier.runtime.library;

import org.jspecify.annotations.NullMarked;
