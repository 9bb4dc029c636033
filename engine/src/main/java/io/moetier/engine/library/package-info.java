/// Native libraries: for which platform, and where they lie once unpacked.
@NullMarked
package io.moetier.engine.library;

import org.jspecify.annotations.NullMarked;
